// The live view for SOAK_SECONDS (an hour): what the page keeps does not grow. Needs what run.mjs needs.
import { equal, holds, run, wait } from "./harness.mjs";
import { servers } from "./servers.mjs";

const seconds = Number(process.env.SOAK_SECONDS ?? "3600");
const every = Math.max(5, Math.min(60, seconds / 20));
/** The page shows five minutes: until they and the kept rows are full, it grows as it should. */
const warm = Math.min(420, seconds / 3);
/** Bytes that the heap may have grown by at the end: caches of the engine, not rows. */
const MOST = 2e6;

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

await run(async (session) => {
  const { nginx } = await servers(session.folder, session.children);
  await session.weir("up", `${session.folder}/store`);
  await wait(3000);
  const users = new URL("users.mjs", import.meta.url).pathname;
  session.start(process.execPath, [users, nginx, 1e9, 250]);
  await session.chromium();
  const page = await session.open();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  await session.go("/requests?live=1&from=-5m");

  const taken = [];
  const began = Date.now();
  const measure = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    const { metrics } = await devtools.send("Performance.getMetrics");
    const of = (name) => metrics.find((one) => one.name === name)?.value ?? 0;
    const rows = await page.locator("table.rows tbody tr").count();
    const one = {
      at: Math.round((Date.now() - began) / 1000),
      heap: of("JSHeapUsedSize"),
      nodes: of("Nodes"),
      listeners: of("JSEventListeners"),
      rows,
    };
    taken.push(one);
    console.log(
      `${String(one.at).padStart(5)} s  ${(one.heap / 1e6).toFixed(2)} MB  ${one.nodes} nodes  ${one.listeners} listeners  ${rows} rows`,
    );
  };
  while (Date.now() - began < seconds * 1000) {
    await wait(every * 1000);
    await measure();
  }

  const steady = taken.filter((one) => one.at >= warm);
  const third = Math.max(1, Math.floor(steady.length / 3));
  const [first, last] = [steady.slice(0, third), steady.slice(-third)];
  const of = (list, name) => median(list.map((one) => one[name]));
  const lasted = taken.at(-1).at;
  await session.check(`the heap does not grow over ${lasted} s of live view`, () => {
    holds(steady.length >= 6, `only ${steady.length} samples`);
    const [a, b] = [of(first, "heap"), of(last, "heap")];
    holds(b - a <= MOST, `it went from ${a} to ${b} bytes`);
    return `${(a / 1e6).toFixed(2)} MB, then ${(b / 1e6).toFixed(2)} MB; most ${(Math.max(...taken.map((one) => one.heap)) / 1e6).toFixed(2)} MB`;
  });
  await session.check("neither do elements and listeners", () => {
    const told = ["nodes", "listeners"].map((name) => {
      const [a, b] = [of(first, name), of(last, name)];
      holds(b <= a * 1.1, `${name} went from ${a} to ${b}`);
      return `${a} to ${b} ${name}`;
    });
    return told.join(", ");
  });
  await session.check("rows came in until the end", async () => {
    const newest = async () => page.locator("table.rows tbody tr td").first().innerText();
    const was = await newest();
    await wait(5000);
    holds((await newest()) !== was, `the newest row is still that of ${was}`);
  });
  await session.check("nothing was refused or thrown", () => equal(session.troubles, [], "console"));
});
