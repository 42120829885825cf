// What stands in the URL and what does not: a link shows a colleague the same thing, and theme and language are each one's own.
import { equal, holds, number } from "./harness.mjs";

/** What a page says, without what moves by itself. */
const said = (page) =>
  page.evaluate(() => ({
    text: document.querySelector("main").innerText,
    chosen: [...document.querySelectorAll("[aria-pressed=true], [aria-sort]")].map((one) => one.textContent),
    selects: [...document.querySelectorAll("main select, main input")].map((one) => one.value),
  }));

/** `3.2 ms` in seconds. */
const seconds = (text) => {
  const found = /^([\d.]+) (ns|µs|ms|s|min|h)$/.exec(text);
  const units = { ns: 1e-9, µs: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600 };
  return found ? Number(found[1]) * units[found[2]] : Number.NaN;
};

/** `time` is a part of a URL: an absolute time, in which nothing comes any more. `views` are those of summed up requests that have some. */
export async function links(session, { time, views = ["operations", "sql", "redis"] }) {
  const { page } = session;

  await session.check("a service is searched for on the map, and its neighbourhood looked at", async () => {
    await session.go(`/?${time}&group=none`);
    const titles = () => page.$$eval(".node title", (found) => found.map((one) => one.textContent.split(",")[0]));
    const all = await titles();
    // One whose name is no part of another's.
    const wanted = all.findLast((name) => all.filter((other) => other.includes(name)).length === 1);
    await page.keyboard.press("/");
    await page.keyboard.type(wanted);
    await page.waitForFunction(() => document.querySelectorAll(".node:not(.faint)").length > 0);
    await page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll(".node:not(.faint) title")].every((one) => one.textContent.includes(wanted)),
      wanted,
    );
    await page.keyboard.press("Enter");
    await page.waitForFunction((wanted) => new URL(location.href).searchParams.get("focus") === wanted, wanted);
    await session.settled();
    const near = await titles();
    holds(near.includes(wanted), `${wanted} is not among ${near}`);
    const answer = await page.request.get(`${session.base}/api/v1/topology?${time}`);
    const { edges } = await answer.json();
    const expected = new Set([wanted]);
    for (const { client, server } of edges) {
      if (client === wanted) expected.add(server);
      if (server === wanted) expected.add(client);
    }
    equal([...near].sort(), [...expected].sort(), "who asks it, and whom it asks");
  });

  await session.check("a link shows a colleague the same thing", async () => {
    const steps = {
      "/services": async () => {
        await page.locator("th button", { hasText: "p95" }).click();
      },
      "/?group=kind": async () => {
        await page.locator(".node").first().focus();
        await page.keyboard.press("Enter");
        await page.waitForSelector(".panel-title");
      },
      "/requests": async () => {
        await page.locator(".facet .value").first().click();
        await page.locator("button", { hasText: "Columns" }).click();
        await page.locator(".menu label", { hasText: "url.path" }).click();
        await page.keyboard.press("Escape");
        await page.locator("th button", { hasText: "duration" }).click();
      },
      "/requests?view=operations": async () => {
        await page.locator("th button", { hasText: "Errors" }).click();
      },
      "/compare": async () => {
        await page.locator(".tabs button", { hasText: "Services" }).click();
      },
    };
    for (const [address, act] of Object.entries(steps)) {
      await session.go(`${address}${address.includes("?") ? "&" : "?"}${time}`);
      await act();
      await session.settled();
      const mine = await said(page);
      const link = page.url();
      await session.open();
      await session.page.goto(link);
      await session.settled();
      const theirs = await said(session.page);
      await session.page.context().close();
      session.page = page;
      equal(theirs, mine, link);
    }
  });

  await session.check("theme and language are kept, and stand in no link", async () => {
    await session.open({ colorScheme: "dark", locale: "en" });
    const own = session.page;
    const looks = () => own.evaluate(() => [document.documentElement.dataset.theme, document.documentElement.lang]);
    await session.go(`/services?${time}`);
    equal(await looks(), ["dark", "en"], "as the browser wishes");
    const ground = () => own.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await own.locator("button[aria-label='Light theme']").click();
    await own.locator("button[aria-label='Language']").click();
    equal(await looks(), ["light", "zh-Hans"], "as somebody wishes");
    holds((await ground()) !== dark, `both themes have the ground ${dark}`);
    equal(await own.locator("h1").innerText(), "服务", "the heading");
    holds(!/light|zh/.test(new URL(own.url()).search), own.url());
    await own.reload();
    await session.settled();
    equal(await looks(), ["light", "zh-Hans"], "after loading it again");
    await own.context().close();
    session.page = page;
  });

  await session.check("what costs most stands first: by total time, calls or errors", async () => {
    for (const view of views) {
      await session.go(`/requests?${time}&view=${view}`);
      const ordered = (column, values) => {
        holds(values.length > 1 && values.every((one) => Number.isFinite(one)), `${view}, ${column}: ${values}`);
        // Three digits are shown: what differs by less may stand either way.
        const wrong = values.findIndex((one, at) => at > 0 && one > values[at - 1] * 1.01);
        equal(wrong, -1, `the row of ${view} that is greater than the one before, by ${column}: ${values}`);
      };
      const column = async (name, value) => (await session.table()).map((row) => value(row[name]));
      const calls = (text) => number(text.replace(/ [kM]$/, "")) * (/k$/.test(text) ? 1e3 : 1);
      ordered("Total time", await column("Total time", seconds));
      const order = async (name, by) => {
        await page.locator("th button", { hasText: name }).click();
        const has = (by) => new URL(location.href).searchParams.get("order")?.includes(by);
        await page.waitForFunction(has, by);
        await session.settled();
      };
      await order("Calls", "count");
      ordered("Calls", await column("Calls", calls));
      await order("Errors", "errors");
      // A part of all is shown; by how many it goes.
      const titles = await page
        .locator("tbody span[title$=' failed']")
        .evaluateAll((all) => all.map((one) => one.title));
      ordered(
        "Errors",
        titles.map((title) => calls(title.split(" of ")[0])),
      );
    }
  });
}
