// The page in a browser, against `weir up` with real traffic: what it shows equals what the client sent. With `shots` it takes the pictures too.
// Needs root, nginx, MariaDB, Redis, Python with pymysql, and Chromium. WEIR is the program to test; with WEIR_PAGE=dist its page is ui/dist as it is now, not what was built into the program.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { freePort, listening, servers } from "./servers.mjs";

const root = new URL("../../..", import.meta.url).pathname;
const weir = process.env.WEIR ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release/weir");
const shots = process.argv[2] === "shots";
const rounds = Number(process.env.WEIR_ROUNDS ?? "600");
const pictures = join(root, "docs/pictures");
const folder = mkdtempSync(join(tmpdir(), "weir-page-"));
const children = [];
let [passed, failed] = [0, 0];

/** One thing that has to hold. */
async function check(name, test) {
  try {
    await test();
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(
      `FAILED  ${name}: ${String(error.stack ?? error)
        .split("\n")
        .slice(0, 6)
        .join("\n        ")}`,
    );
    await page?.screenshot({ path: join(tmpdir(), `weir-page-failed-${failed}.png`) }).catch(() => {});
  }
}
function equal(found, expected, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: found ${a}, expected ${b}`);
}
function holds(condition, what) {
  if (!condition) throw new Error(what);
}

let browser, page;
const troubles = [];
async function open(options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: "dark",
    locale: "en",
    permissions: [],
    ...options,
  });
  const opened = await context.newPage();
  opened.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  opened.on("pageerror", (error) => troubles.push(String(error)));
  return opened;
}

/** A table as a list of rows, by the headings of its columns. */
async function table(selector = "main table") {
  await page.waitForSelector(`${selector} tbody tr`, { timeout: 20_000 });
  return page.$eval(selector, (table) => {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.replace(/ [↑↓]$/, ""));
    return [...table.querySelectorAll("tbody tr")].map((row) =>
      Object.fromEntries([...row.cells].map((cell, at) => [heads[at] || at, cell.textContent.trim()])),
    );
  });
}
const number = (text) => Number(text.replace(/,/g, ""));
const settled = async () => {
  await page.waitForLoadState("networkidle").catch(() => {});
  await page.waitForTimeout(400);
};
const go = async (path) => {
  await page.goto(base + path);
  await settled();
};
/** All calls in a table of operations, of the rows that a test takes. */
const calls = (rows, test) => rows.filter(test).reduce((sum, row) => sum + number(row.Calls), 0);

let base = "";
try {
  const { nginx } = await servers(folder, children);
  const [port, grpc, http] = [await freePort(), await freePort(), await freePort()];
  base = `http://127.0.0.1:${port}`;
  const log = join(folder, "weir.log");
  children.push(
    spawn(
      "sh",
      [
        "-c",
        `exec "$0" up --store "$1" --server-listen "$2" --otlp-grpc "$4" --otlp-http "$5" >"$3" 2>&1`,
        weir,
        join(folder, "store"),
        `127.0.0.1:${port}`,
        log,
        `127.0.0.1:${grpc}`,
        `127.0.0.1:${http}`,
      ],
      { stdio: "ignore" },
    ),
  );
  await listening(port, 60);
  await new Promise((resolve) => setTimeout(resolve, 3000));

  if (process.env.WEIR_PAGE === "dist") {
    const own = await freePort();
    const vite = join(root, "ui/node_modules/vite/bin/vite.js");
    children.push(
      spawn(process.execPath, [vite, "preview", "--port", String(own), "--strictPort", "--host", "127.0.0.1"], {
        cwd: join(root, "ui"),
        stdio: "ignore",
        env: { ...process.env, WEIR_SERVER: base },
      }),
    );
    await listening(own);
    base = `http://127.0.0.1:${own}`;
  }

  const from = new Date(Date.now() - 1000).toISOString();
  const sent = JSON.parse(
    execFileSync(process.execPath, [new URL("users.mjs", import.meta.url).pathname, nginx, rounds, 50].map(String), {
      maxBuffer: 1 << 20,
    }).toString(),
  );
  console.log(`sent: ${JSON.stringify(sent)}`);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const time = `from=${from}&to=${new Date().toISOString()}`;
  const [orders, carts, reports, broken] = [
    sent["orders 200"],
    sent["carts 200"],
    sent["reports 200"],
    sent["broken 503"],
  ];

  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  page = await open();

  await check("the map has everybody, and who talks to whom", async () => {
    await go(`/?${time}`);
    await page.waitForSelector(".node", { timeout: 20_000 });
    const names = await page.$$eval(".node title", (titles) => titles.map((title) => title.textContent.split(",")[0]));
    for (const name of ["nginx", "shop", "carts"]) holds(names.includes(name), `${name} is missing: ${names}`);
    holds(
      names.some((name) => /maria|mysql/.test(name)) && names.some((name) => /redis/.test(name)),
      `no stores: ${names}`,
    );
    await page.locator(".node", { hasText: /^shop/ }).first().click();
    await page.waitForSelector(".panel-title");
    await settled();
    const text = await page.locator(".map-panel").innerText();
    for (const name of ["nginx", "redis"])
      holds(text.includes(name), `the panel of shop does not name ${name}: ${text}`);
  });

  await check("calls of nginx are what the users sent", async () => {
    await go(`/requests?${time}&view=operations&filter=${encodeURIComponent("service = nginx and role = server")}`);
    const rows = await table();
    equal(
      calls(rows, (row) => /orders/.test(row.name)),
      orders,
      "orders",
    );
    equal(
      calls(rows, (row) => /carts/.test(row.name)),
      carts,
      "carts",
    );
    equal(
      calls(rows, (row) => /reports/.test(row.name)),
      reports,
      "reports",
    );
    equal(
      calls(rows, (row) => /broken/.test(row.name)),
      broken,
      "broken",
    );
  });

  await check("SQL and Redis are what the shop asked", async () => {
    await go(`/requests?${time}&view=sql&filter=${encodeURIComponent("role = server")}`);
    const sql = await table();
    equal(
      calls(sql, (row) => /SELECT/.test(row.query) && /WHERE/.test(row.statement)),
      orders,
      "orders in SQL",
    );
    equal(
      calls(sql, (row) => /SLEEP/i.test(row.statement)),
      reports,
      "reports in SQL",
    );
    await go(`/requests?${time}&view=redis&filter=${encodeURIComponent("role = server")}`);
    const redis = await table();
    equal(
      calls(redis, (row) => row["db.operation.name"] === "GET"),
      orders,
      "GET",
    );
    equal(
      calls(redis, (row) => row["db.operation.name"] === "HGETALL"),
      carts,
      "HGETALL",
    );
  });

  await check("failures are those that failed", async () => {
    await go(`/requests?${time}&filter=${encodeURIComponent("service = nginx and role = server and status = error")}`);
    const text = await page.locator(".head .mono").innerText();
    equal(number(/^([\d,]+)/.exec(text)[1]), broken, "failed requests");
    const rows = await table("table.rows");
    holds(
      rows.every((row) => row.status.includes("503")),
      "not all rows are failures",
    );
  });

  await check("what the slow ones have in common is found by dragging over them", async () => {
    await go(`/requests?${time}&filter=${encodeURIComponent("service = nginx and role = server")}`);
    const box = await page.locator(".heat canvas").boundingBox();
    // Down to where the tip says that a row begins at less than 64 ms.
    let low = 6;
    for (let y = 6; y < box.height - 30; y += 3) {
      await page.mouse.move(box.x + box.width / 2, box.y + y);
      const tip = await page.locator(".heat .tip").innerText();
      const found = /· ([\d.]+) (µs|ms|s) –/.exec(tip);
      if (Number(found[1]) * { µs: 1e-6, ms: 1e-3, s: 1 }[found[2]] >= 0.064) low = y;
    }
    await page.mouse.move(box.x + 66, box.y + 5);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 4, box.y + low, { steps: 8 });
    await page.mouse.up();
    await page.waitForSelector(".apart tbody tr");
    await settled();
    const rows = await table(".apart table");
    holds(/reports/.test(rows.map((row) => row.Value).join(" ")), `reports are not among ${JSON.stringify(rows)}`);
    const own = rows.find((row) => /reports/.test(row.Value));
    // A few others are slow as well, while everybody connects.
    holds(Number.parseFloat(own["of these"]) >= 70 && own["of the rest"] === "0 %", `parts: ${JSON.stringify(own)}`);
    const address = page.url();
    if (shots) await page.screenshot({ path: join(pictures, "requests.png") });
    await page.goto("about:blank");
    await page.goto(address);
    await page.waitForSelector(".apart tbody tr");
    equal(await table(".apart table"), rows, "the same link");
  });

  await check("an order's trace goes from nginx to both stores", async () => {
    await go(`/traces?${time}&order=-duration&filter=${encodeURIComponent('name ^= "GET /orders"')}`);
    await page.locator("table.rows tbody a").first().click({ timeout: 8000 });
    await page.waitForSelector(".wf-row");
    await settled();
    const text = await page.locator(".waterfall").innerText();
    for (const name of ["nginx", "shop", "SELECT", "GET"])
      holds(text.includes(name), `${name} is not in the trace: ${text}`);
    if (shots) await page.screenshot({ path: join(pictures, "trace.png") });
  });

  await check("the keyboard goes everywhere", async () => {
    await go(`/services?${time}`);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("shop");
    await page.waitForSelector('[role=option]:has-text("shop")');
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.pathname === "/services/shop");
    await page.keyboard.press("3");
    await page.waitForFunction(() => location.pathname === "/requests");
    await page.waitForSelector("table.rows tbody tr");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /^\/requests\/.+/.test(location.pathname));
    await page.waitForSelector(".facts");
  });

  await check("requests come in live", async () => {
    await go("/requests?live=1&filter=" + encodeURIComponent("service = nginx and role = server"));
    await page.waitForSelector(".empty");
    const more = JSON.parse(
      execFileSync(
        process.execPath,
        [new URL("users.mjs", import.meta.url).pathname, nginx, 5, 20].map(String),
      ).toString(),
    );
    const all = Object.values(more).reduce((sum, count) => sum + count, 0);
    await page.waitForFunction((all) => document.querySelectorAll("table.rows tbody tr").length === all, all, {
      timeout: 10_000,
    });
  });

  await check("no page has serious barriers", async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    for (const theme of ["dark", "light"]) {
      page = await open({ colorScheme: theme });
      for (const path of [
        "/",
        "/services",
        "/services/shop",
        "/requests",
        "/requests?view=sql",
        "/traces",
        "/compare",
        "/hosts",
      ]) {
        await go(`${path}${path.includes("?") ? "&" : "?"}${time}`);
        await page.evaluate(axe);
        const found = await page.evaluate(async () =>
          (await window.axe.run()).violations.filter((one) => ["serious", "critical"].includes(one.impact)),
        );
        equal(
          found.map(
            (one) =>
              `${one.id}: ${one.nodes
                .slice(0, 3)
                .map((node) => node.html.slice(0, 160))
                .join(" | ")}`,
          ),
          [],
          `${path} ${theme}`,
        );
      }
    }
  });

  await check("a phone has no sideways scroll", async () => {
    page = await open({ viewport: { width: 390, height: 844 } });
    for (const path of ["/", "/services", "/services/shop", "/requests", "/traces", "/compare", "/hosts"]) {
      await go(`${path}?${time}`);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      holds(width <= 390, `${path} is ${width} wide`);
    }
  });

  if (shots) {
    mkdirSync(pictures, { recursive: true });
    page = await open();
    await go(`/?${time}`);
    await page.screenshot({ path: join(pictures, "map.png") });
    await go(`/services/shop?${time}`);
    await page.screenshot({ path: join(pictures, "service.png") });
    await go(`/requests?${time}&view=sql`);
    await page.screenshot({ path: join(pictures, "sql.png") });
    page = await open({ colorScheme: "light", locale: "zh-CN" });
    await go(`/services?${time}`);
    await page.screenshot({ path: join(pictures, "services-zh.png") });
  }
  await check("nothing was refused or thrown", async () => equal(troubles, [], "console"));
} catch (error) {
  failed += 1;
  console.error(error);
} finally {
  await browser?.close();
  for (const child of children.reverse()) child.kill("SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  if (process.env.WEIR_KEEP) console.log(`kept: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
