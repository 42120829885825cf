// Figures of services, facets and traces: what the users sent, by the page's own answers and words.
import { equal, holds, number } from "./harness.mjs";

const all = (sent) => Object.values(sent).reduce((sum, one) => sum + one, 0);
/** `3.2 /s` as requests a second. */
const rate = (text) => {
  const found = /^([\d.]+) \/(s|min)$/.exec(text);
  return found ? Number(found[1]) / (found[2] === "min" ? 60 : 1) : Number.NaN;
};
const close = (found, expected, what) =>
  holds(Math.abs(found / expected - 1) < 0.01, `${what}: ${found}, expected ${expected}`);

/** `time` is when `sent` was sent, as a part of a URL. */
export async function figures(session, { time, sent, ports, answered }) {
  const { page } = session;

  await session.check("services have the rate and the errors of what was sent", async () => {
    const answer = page.waitForResponse((one) => one.url().includes("/api/v1/services?"));
    await session.go(`/services?${time}`);
    const { about, services } = await (await answer).json();
    const rows = await session.table();
    equal(rows.length, services.length, "services");
    const nginx = rows.find((row) => /nginx$/.test(row.Service));
    close(rate(nginx.Rate) * about.seconds, all(sent), "requests that nginx answered");
    const failed = (sent["broken 503"] / all(sent)) * 100;
    close(Number(/([\d.]+) %/.exec(nginx.Errors)[1]), failed, "per cent of them that failed");
    const carts = rows.find((row) => /carts$/.test(row.Service));
    close(rate(carts.Rate) * about.seconds, sent["carts 200"], "requests for carts");
    equal(carts.Errors, "0 %", "carts that failed");
    for (const name of ["p50", "p95", "p99"])
      holds(/^[\d.]+ (µs|ms|s)$/.test(nginx[name]), `${name} is ${nginx[name]}`);
    const drawn = await page.$$eval(
      "main tbody tr",
      (rows) =>
        rows.find((row) => row.querySelector("a").textContent === "nginx").querySelectorAll(".spark path[d^=M]").length,
    );
    equal(drawn, 2, "lines over time of nginx");
  });

  await session.check(
    "a service has its operations, queries, callers, callees, processes and connections",
    async () => {
      await session.go(`/services/shop?${time}`);
      await page.waitForSelector("section[aria-label=Operations] tbody tr");
      const part = (title) => page.locator(`section[aria-label="${title}"]`).innerText();
      for (const [title, ...said] of [
        ["Operations", "GET /orders", "GET /reports", "GET /broken"],
        ["Queries that it sends", "SELECT orders"],
        ["Callers", "nginx"],
        ["Callees", "redis"],
        ["Instances", "python"],
        ["TCP health"],
      ]) {
        const text = await part(title);
        for (const one of said) holds(text.includes(one), `${one} is not in ${title}: ${text}`);
      }
    },
  );

  await session.check("facets count what was sent, and a click is a filter", async () => {
    await session.go(`/requests?${time}&filter=${answered(ports.nginx)}`);
    const facet = page.locator(".facet", { has: page.locator("h2", { hasText: /^code$/ }) });
    await facet.waitFor();
    const values = await facet
      .locator(".value")
      .evaluateAll((found) =>
        found.map((one) => [one.querySelector(".cut").textContent, one.querySelector(".num").textContent]),
      );
    const counts = Object.fromEntries(values.map(([value, count]) => [value, number(count)]));
    equal(counts, { 200: all(sent) - sent["broken 503"], 503: sent["broken 503"] }, "by status code");
    await facet.locator(".value", { hasText: "503" }).click();
    await page.waitForFunction(
      (count) => document.querySelector(".head .mono")?.textContent.startsWith(`${count} of `),
      sent["broken 503"],
    );
    holds(new URL(page.url()).searchParams.get("filter").includes("code = 503"), page.url());
  });

  await session.check("a trace tells what joined it, what took the time, and who took part", async () => {
    await session.go(`/traces?${time}&order=-duration&filter=${encodeURIComponent('name ^= "GET /orders"')}`);
    await page.locator("table.rows tbody a").first().click();
    await page.waitForSelector(".wf-row");
    await session.settled();
    const text = await page.locator("main").innerText();
    for (const said of ["joined by", "▪", "not accounted for"])
      holds(text.includes(said), `${said} is not said: ${text}`);
    await page.locator(".wf-row").nth(1).click();
    await page.waitForSelector(".evidence");
    const evidence = await page.locator(".evidence").innerText();
    holds(evidence.trim().length > 20, `the evidence is not explained: ${evidence}`);
  });
}
