// The page in a browser, against `weir up` with real traffic: what it shows equals what the client sent. With `shots` it takes the pictures too.
// Needs root, nginx, MariaDB, Redis, Python with pymysql, and Chromium.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { figures } from "./figures.mjs";
import { frame } from "./frame.mjs";
import { hostile } from "./hostile.mjs";
import { equal, holds, number, root, run, wait } from "./harness.mjs";
import { links } from "./links.mjs";
import { servers } from "./servers.mjs";
import { comparison } from "./comparison.mjs";
import { views } from "./views.mjs";

const shots = process.argv[2] === "shots";
const rounds = Number(process.env.WEIR_ROUNDS ?? (shots ? "600" : "300"));
const pictures = join(root, "docs/pictures");

/** All calls in a table of operations, of the rows that a test takes. */
const calls = (rows, test) => rows.filter(test).reduce((sum, row) => sum + number(row.Calls), 0);

/** What a server of this test answered: others of its kind may run here as well. */
const answered = (port, more = "") => encodeURIComponent(`role = server and server.port = ${port}${more}`);

/** What users of the shop sent, and what came of it. */
function users(port, rounds, pause, how = "") {
  const program = new URL("users.mjs", import.meta.url).pathname;
  return JSON.parse(execFileSync(process.execPath, [program, port, rounds, pause, how].map(String)).toString());
}

await run(async (session) => {
  const ports = await servers(session.folder, session.children);
  await session.weir("up", join(session.folder, "store"));
  await wait(3000);

  const from = new Date(Date.now() - 1000).toISOString();
  const sent = users(ports.nginx, rounds, 50);
  console.log(`sent: ${JSON.stringify(sent)}`);
  await wait(3000);
  const time = `from=${from}&to=${new Date().toISOString()}`;
  // Figures over whole seconds of the first time must not have any of the second one.
  await wait(2000);
  const laterFrom = new Date().toISOString();
  const sentLater = users(ports.nginx, 96, 20, "later");
  console.log(`sent later: ${JSON.stringify(sentLater)}`);
  await wait(3000);
  const later = `from=${laterFrom}&to=${new Date().toISOString()}`;
  const [orders, carts, reports, broken] = [
    sent["orders 200"],
    sent["carts 200"],
    sent["reports 200"],
    sent["broken 503"],
  ];

  await session.chromium();
  await session.open();

  await session.check("the map has everybody, and who talks to whom", async () => {
    await session.go(`/?${time}`);
    await session.page.waitForSelector(".node", { timeout: 20_000 });
    const names = await session.page.$$eval(".node title", (titles) =>
      titles.map((title) => title.textContent.split(",")[0]),
    );
    const kinds = await session.page.$$eval(".node title", (titles) => titles.map((title) => title.textContent));
    for (const kind of [/^\S*(maria|mysql)\S*, database$/, /^redis\S*, cache$/, /^shop, service$/])
      holds(
        kinds.some((one) => kind.test(one)),
        `${kind} is not among ${kinds}`,
      );
    for (const name of ["nginx", "shop", "carts"]) holds(names.includes(name), `${name} is missing: ${names}`);
    holds(
      names.some((name) => /maria|mysql/.test(name)) && names.some((name) => /redis/.test(name)),
      `no stores: ${names}`,
    );
    await session.page.locator(".node", { hasText: /^shop/ }).first().click();
    await session.page.waitForSelector(".panel-title");
    await session.settled();
    const text = await session.page.locator(".map-panel").innerText();
    for (const name of ["nginx", "redis"])
      holds(text.includes(name), `the panel of shop does not name ${name}: ${text}`);
  });

  await views(session, { time, sent, ports, answered });
  await figures(session, { time, sent, ports, answered });
  await frame(session, { time });
  await hostile(session, { time });
  await links(session, { time });
  await comparison(session, { time, sent, later, sentLater, ports, answered });

  await session.check("calls of nginx are what the users sent", async () => {
    await session.go(`/requests?${time}&view=operations&filter=${answered(ports.nginx)}`);
    const rows = await session.table();
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

  await session.check("SQL and Redis are what the shop asked", async () => {
    await session.go(`/requests?${time}&view=sql&filter=${answered(ports.mysql)}`);
    const sql = await session.table();
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
    await session.go(`/requests?${time}&view=redis&filter=${answered(ports.redis)}`);
    const redis = await session.table();
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

  await session.check("failures are those that failed", async () => {
    await session.go(`/requests?${time}&filter=${answered(ports.nginx, " and status = error")}`);
    const text = await session.page.locator(".head .mono").innerText();
    equal(number(/^([\d,]+)/.exec(text)[1]), broken, "failed requests");
    const rows = await session.table("table.rows");
    holds(
      rows.every((row) => row.status.includes("503")),
      "not all rows are failures",
    );
  });

  await session.check("what the slow ones have in common is found by dragging over them", async () => {
    await session.go(`/requests?${time}&filter=${answered(ports.nginx)}`);
    const box = await session.page.locator(".heat canvas").boundingBox();
    // Down to where the tip says that a row begins at less than 64 ms.
    let low = 6;
    for (let y = 6; y < box.height - 30; y += 3) {
      await session.page.mouse.move(box.x + box.width / 2, box.y + y);
      const tip = await session.page.locator(".heat .tip").innerText();
      const found = /· ([\d.]+) (µs|ms|s) –/.exec(tip);
      if (Number(found[1]) * { µs: 1e-6, ms: 1e-3, s: 1 }[found[2]] >= 0.064) low = y;
    }
    await session.page.mouse.move(box.x + 66, box.y + 5);
    await session.page.mouse.down();
    await session.page.mouse.move(box.x + box.width - 4, box.y + low, { steps: 8 });
    await session.page.mouse.up();
    await session.page.waitForSelector(".apart tbody tr");
    await session.settled();
    const rows = await session.table(".apart table");
    holds(/reports/.test(rows.map((row) => row.Value).join(" ")), `reports are not among ${JSON.stringify(rows)}`);
    const own = rows.find((row) => /reports/.test(row.Value));
    // A few others are slow as well, while everybody connects.
    holds(Number.parseFloat(own["of these"]) >= 70 && own["of the rest"] === "0 %", `parts: ${JSON.stringify(own)}`);
    const address = session.page.url();
    if (shots) await session.page.screenshot({ path: join(pictures, "requests.png") });
    await session.page.goto("about:blank");
    await session.page.goto(address);
    await session.page.waitForSelector(".apart tbody tr");
    equal(await session.table(".apart table"), rows, "the same link");
  });

  await session.check("an order's trace goes from nginx to both stores", async () => {
    await session.go(`/traces?${time}&order=-duration&filter=${encodeURIComponent('name ^= "GET /orders"')}`);
    await session.page.locator("table.rows tbody a").first().click({ timeout: 8000 });
    await session.page.waitForSelector(".wf-row");
    await session.settled();
    const text = await session.page.locator(".waterfall").innerText();
    for (const name of ["nginx", "shop", "SELECT", "GET"])
      holds(text.includes(name), `${name} is not in the trace: ${text}`);
    // Its own small map has everybody of it once, and who asked whom.
    const small = session.page.locator(".small-map");
    const there = (await small.locator(".node title").allTextContents()).sort();
    const chain = ["users", "nginx", "shop"];
    const stores = there.filter((name) => !chain.includes(name));
    equal([there.length, stores.length], [5, 2], `services of the trace: ${there}`);
    const asks = ["users → nginx", "nginx → shop", ...stores.map((store) => `shop → ${store}`)];
    equal(await small.locator(".edge").count(), asks.length, "who asks whom");
    const told = await session.page.locator(".trace-side .plain-list li").allTextContents();
    equal(told.map((line) => line.trim().split(": ")[0]).sort(), asks.sort(), "lines below it");
    if (shots) await session.page.screenshot({ path: join(pictures, "trace.png") });
  });

  await session.check("thousands of spans exist as far as they are in sight", async () => {
    const { page } = session;
    const span = (at) => ({
      id: `s${at}`,
      parent: at === 0 ? null : "s0",
      depth: at === 0 ? 0 : 1,
      service: at === 0 ? "shop" : "redis",
      kind: "server",
      name: `GET ${at}`,
      offset: at / 1e4,
      duration: at === 0 ? 1 : 1e-4,
      own: 1e-4,
      critical: 0,
      source: "agent",
      attributes: {},
    });
    const spans = Array.from({ length: 5000 }, (_, at) => span(at));
    const trace = { id: "many", ids: ["many"], time: new Date().toISOString(), duration: 1, errors: 0, cut: false };
    await page.route("**/api/v1/traces/many", (route) =>
      route.fulfill({ json: { ...trace, services: ["shop", "redis"], spans } }),
    );
    await session.go("/traces/many");
    await page.waitForSelector(".wf-row");
    const there = () => page.locator(".wf-row").count();
    holds((await there()) < 100, `${await there()} rows exist`);
    await page.locator(".wf-body").evaluate((body) => (body.scrollTop = body.scrollHeight));
    await page.waitForSelector('.wf-row:has-text("GET 4999")');
    holds((await there()) < 100, `${await there()} rows exist at the end`);
  });

  await session.check("columns are chosen, and all that match is a file", async () => {
    const { page } = session;
    await session.go(`/requests?${time}&filter=${answered(ports.nginx, " and status = error")}`);
    await page.locator("button", { hasText: "Columns" }).click();
    await page.locator(".menu label", { hasText: "url.path" }).click();
    const rows = await session.table("table.rows");
    holds(
      rows.every((row) => row["url.path"] === "/broken"),
      `paths: ${JSON.stringify(rows[0])}`,
    );
    holds(new URL(page.url()).searchParams.get("cols").includes("url.path"), "the columns are not in the URL");
    await page.keyboard.press("Escape");
    const file = async (name) => {
      await page.locator("button", { hasText: "Export" }).click();
      const [download] = await Promise.all([page.waitForEvent("download"), page.locator(`text=${name}`).click()]);
      return readFileSync(await download.path(), "utf8")
        .trim()
        .split("\n");
    };
    equal((await file("All that match, as CSV")).length, broken + 1, "lines of the CSV");
    const records = (await file("All that match, as JSON")).map((line) => JSON.parse(line));
    equal(records.length, broken, "records of the JSON");
  });

  await session.check("dragging over a chart looks at that time", async () => {
    const { page } = session;
    await session.go(`/services/shop?${time}`);
    const box = await page.locator(".chart .u-over").first().boundingBox();
    await page.mouse.move(box.x + box.width * 0.25, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2, { steps: 6 });
    await page.mouse.up();
    const ends = (url) => ["from", "to"].map((name) => Date.parse(new URL(url).searchParams.get(name)));
    const [began, ended] = [Date.parse(from), ends(`${session.base}/?${time}`)[1]];
    await page.waitForFunction((from) => new URL(location.href).searchParams.get("from") !== from, from);
    const [a, b] = ends(page.url());
    holds(a > began && b < ended && b - a < 0.7 * (ended - began), `from ${a} to ${b} of ${began} to ${ended}`);
  });

  await session.check("the keyboard goes everywhere", async () => {
    await session.go(`/services?${time}`);
    await session.page.keyboard.press("Control+k");
    await session.page.keyboard.type("shop");
    // The services are asked for when it is opened: they need not be there yet.
    await session.page.keyboard.press("Enter");
    await session.page.waitForFunction(() => location.pathname === "/services/shop");
    await session.page.keyboard.press("3");
    await session.page.waitForFunction(() => location.pathname === "/requests");
    await session.page.waitForSelector("table.rows tbody tr");
    await session.page.keyboard.press("j");
    await session.page.keyboard.press("Enter");
    await session.page.waitForFunction(() => /^\/requests\/.+/.test(location.pathname));
    await session.page.waitForSelector(".facts");
  });

  await session.check("requests come in live", async () => {
    // What is live never comes to rest.
    await session.page.goto(`${session.base}/requests?live=1&filter=${answered(ports.nginx)}`);
    await session.page.waitForSelector(".empty");
    const more = users(ports.nginx, 5, 20);
    const all = Object.values(more).reduce((sum, count) => sum + count, 0);
    await session.page.waitForFunction((all) => document.querySelectorAll("table.rows tbody tr").length === all, all, {
      timeout: 10_000,
    });
  });

  await session.check("no page has serious barriers", async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    for (const theme of ["dark", "light"]) {
      await session.open({ colorScheme: theme });
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
        await session.go(`${path}${path.includes("?") ? "&" : "?"}${time}`);
        await session.page.evaluate(axe);
        const found = await session.page.evaluate(async () =>
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

  await session.check("a phone has no sideways scroll", async () => {
    await session.open({ viewport: { width: 390, height: 844 } });
    for (const path of ["/", "/services", "/services/shop", "/requests", "/traces", "/compare", "/hosts"]) {
      await session.go(`${path}?${time}`);
      const width = await session.page.evaluate(() => document.documentElement.scrollWidth);
      holds(width <= 390, `${path} is ${width} wide`);
    }
  });

  if (shots) {
    mkdirSync(pictures, { recursive: true });
    const take = async (name, path, options, then) => {
      await session.open(options);
      await session.go(path);
      await then?.();
      await session.settled();
      await session.page.screenshot({ path: join(pictures, `${name}.png`) });
    };
    const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };
    const chinese = { colorScheme: "light", locale: "zh-CN" };
    await take("map", `/?${time}&node=shop`);
    await take("service", `/services/shop?${time}`);
    await take("sql", `/requests?${time}&view=sql`);
    await take("services-zh", `/services?${time}`, chinese);
    await take("map-zh", `/?${time}`, chinese);
    await take("phone", `/services/shop?${time}`, phone);
  }
  await session.check("nothing was loaded from elsewhere", async () => equal(session.foreign, [], "addresses"));
  await session.check("nothing was refused or thrown", async () => equal(session.troubles, [], "console"));
});
