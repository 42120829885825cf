// What the tests in a browser share: a folder, programs that are ended at the end, Chromium, and a count of what held.
// WEIR is the program to test; with WEIR_PAGE=dist its page is ui/dist as it is now, not what was built into the program.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { freePort, listening } from "./servers.mjs";

export const root = new URL("../../..", import.meta.url).pathname;
const built = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release");
export const weir = process.env.WEIR ?? join(built, "weir");
export const bench = process.env.WEIR_BENCH ?? join(built, "bench");

export function equal(found, expected, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: found ${a}, expected ${b}`);
}
export function holds(condition, what) {
  if (!condition) throw new Error(what);
}
export const number = (text) => Number(text.replace(/,/g, ""));
export const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Session {
  folder = mkdtempSync(join(tmpdir(), "weir-page-"));
  children = [];
  /** What the console said that it should not. */
  troubles = [];
  /** What was loaded from somewhere else than the server. */
  foreign = [];
  passed = 0;
  failed = 0;
  base = "";

  /** One thing that has to hold. */
  async check(name, test) {
    const began = Date.now();
    try {
      const told = await test();
      this.passed += 1;
      const took = ((Date.now() - began) / 1000).toFixed(1);
      console.log(`ok      ${name}${told ? `: ${told}` : ""} (${took} s)`);
    } catch (error) {
      this.failed += 1;
      const lines = String(error.stack ?? error).split("\n");
      console.log(`FAILED  ${name}: ${lines.slice(0, 6).join("\n        ")}`);
      const picture = join(tmpdir(), `weir-page-failed-${this.failed}.png`);
      await this.page?.screenshot({ path: picture }).catch(() => {});
    }
  }

  start(program, args, options = {}) {
    const child = spawn(program, args.map(String), { stdio: "ignore", ...options });
    this.children.push(child);
    return child;
  }

  /** `weir COMMAND` with a store, what it says in a file; waits until it answers. */
  async weir(command, store, { nice = 0 } = {}) {
    const [port, grpc, http, metrics] = await Promise.all([1, 2, 3, 4].map(freePort));
    this.base = `http://127.0.0.1:${port}`;
    const at = (port) => `127.0.0.1:${port}`;
    const own = ["--store", store, "--server-listen", at(port), "--otlp-grpc", at(grpc), "--otlp-http", at(http)];
    const said = openSync(join(this.folder, "weir.log"), "w");
    // Beside a Weir that runs already, and without the settings of whoever tests.
    const env = Object.entries(process.env).filter(([name]) => !name.startsWith("WEIR"));
    const child = this.start("nice", ["-n", nice, weir, command, ...own], {
      stdio: ["ignore", said, said],
      env: {
        ...Object.fromEntries(env),
        WEIR_METRICS_LISTEN: at(metrics),
        WEIR_AGENT_CONTROL: join(this.folder, "agent.sock"),
        WEIR_AGENT_STATE_DIRECTORY: join(this.folder, "state"),
      },
    });
    await listening(port, 60);
    await wait(500);
    if (child.exitCode !== null) throw new Error(`weir ended: ${readFileSync(join(this.folder, "weir.log"), "utf8")}`);
    if (process.env.WEIR_PAGE === "dist") await this.preview();
    return child;
  }

  /** The page as it is in ui/dist now, with the server's API behind it. */
  async preview() {
    const port = await freePort();
    const ui = join(root, "ui");
    // A copy, so that building it anew meanwhile does no harm.
    cpSync(join(ui, "dist"), join(this.folder, "dist"), { recursive: true });
    const vite = join(ui, "node_modules/vite/bin/vite.js");
    const where = ["--port", port, "--strictPort", "--host", "127.0.0.1", "--outDir", join(this.folder, "dist")];
    this.start(process.execPath, [vite, "preview", ...where], {
      cwd: ui,
      env: { ...process.env, WEIR_SERVER: this.base },
    });
    await listening(port);
    this.base = `http://127.0.0.1:${port}`;
  }

  async chromium(args = []) {
    this.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        ...args,
      ],
    });
  }

  /** Another page, which is the one that is looked at from now on. */
  async open(options = {}) {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme: "dark",
      locale: "en",
      permissions: [],
      ...options,
    });
    this.page = await context.newPage();
    this.page.on("console", (message) => message.type() === "error" && this.troubles.push(message.text()));
    this.page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(this.base) && !/^(about|data|blob):/.test(url)) this.foreign.push(url);
    });
    this.page.on("pageerror", (error) => this.troubles.push(String(error)));
    return this.page;
  }

  async settled() {
    await this.page.waitForLoadState("networkidle").catch(() => {});
    await wait(400);
  }

  async go(path) {
    await this.page.goto(this.base + path);
    await this.settled();
  }

  /** A table as a list of rows, by the headings of its columns. */
  async table(selector = "main table") {
    await this.page.waitForSelector(`${selector} tbody tr`, { timeout: 20_000 });
    return this.page.$eval(selector, (table) => {
      const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.replace(/ [↑↓]$/, ""));
      return [...table.querySelectorAll("tbody tr")].map((row) =>
        Object.fromEntries([...row.cells].map((cell, at) => [heads[at] || at, cell.textContent.trim()])),
      );
    });
  }

  async end() {
    await this.browser?.close();
    for (const child of this.children.reverse()) child.kill("SIGTERM");
    await wait(1500);
    for (const child of this.children) if (child.exitCode === null) child.kill("SIGKILL");
    if (process.env.WEIR_KEEP) console.log(`kept: ${this.folder}`);
    else rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs tests, ends what they began, and says how many things held. */
export async function run(tests) {
  const session = new Session();
  let ending;
  const end = () => (ending ??= session.end());
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void end().then(() => process.exit(1)));
  try {
    await tests(session);
  } catch (error) {
    session.failed += 1;
    console.error(error);
  } finally {
    await end();
  }
  console.log(`${session.passed} passed, ${session.failed} failed`);
  process.exit(session.failed > 0 ? 1 : 0);
}
