// What goes wrong: addresses with nonsense, names that are markup or have no end, parts that are not loaded, answers that come late, a server that goes away.
import { equal, holds, wait } from "./harness.mjs";

const NONSENSE = "<b>'\"🔥~,\\ (and";
const NAMES = {
  markup: "<img src=x onerror=document.title=1>",
  long: "x".repeat(300),
  right: "שירות-תשלומים",
  quotes: "quo\"te's `and` \\back",
};

/** `time` is a part of a URL, of a time with more than a hundred requests; `relative` is one that ends now, with these requests too. */
export async function hostile(session, { time, relative = "from=-1h" }) {
  const { page } = session;
  const thrown = [];
  const hear = (error) => thrown.push(String(error));
  page.on("pageerror", hear);

  await session.check("an address with nonsense in it is a page all the same", async () => {
    const names = ["node", "edge", "show", "group", "open", "focus", "hops", "find", "filter", "order", "view", "cols"];
    const more = ["sel", "live", "what", "base_from", "base_to", "every", "from", "to", "span", "request"];
    const whole = [...names, ...more].map((name) => `${name}=${encodeURIComponent(NONSENSE)}`).join("&");
    const paths = ["/", "/services", "/services/x", "/requests", "/requests/x", "/traces", "/traces/x", "/compare"];
    const addresses = [
      ...[...paths, "/hosts"].map((path) => `${path}?${whole}`),
      ...["/", "/services", "/requests", "/traces", "/compare", "/hosts"].flatMap((path) => [
        `${path}?from=-999999999d`,
        `${path}?from=-15m&to=2001-01-01T00:00:00Z`,
        `${path}?from=2099-01-01T00:00:00Z&to=2099-01-02T00:00:00Z`,
      ]),
      `/?${time}&group=${encodeURIComponent(NONSENSE)}`,
      `/requests?${time}&view=constructor`,
      `/compare?${time}&what=constructor`,
      // Vite's own server refuses these; the program's does not.
      ...(process.env.WEIR_PAGE === "dist" ? [] : ["/services/%E0%A4%A", "/%"]),
      "/nonsense/more/of/it",
    ];
    for (const address of addresses) {
      await session.go(address);
      const told = await page.evaluate(() => ({
        text: document.querySelector("main")?.innerText.trim() ?? "",
        waits: document.querySelectorAll(".skeleton").length,
        wide: document.documentElement.scrollWidth,
      }));
      holds(told.text.length > 20, `${address} is empty`);
      holds(!/NaN|undefined|Invalid|\[object/.test(told.text), `${address}: ${told.text}`);
      equal([told.waits, told.wide <= 1280], [0, true], `${address}: what still waits, and whether it has room`);
    }
    equal(thrown, [], "errors");
    session.troubles = session.troubles.filter((text) => !/status of 4\d\d/.test(text));
  });

  await session.check("names are text, however long and whatever they mean elsewhere", async () => {
    const names = Object.values(NAMES);
    const rename = async (route) => {
      const answer = await route.fetch();
      const told = await answer.json();
      const services = (told.nodes ?? told.services ?? []).map((one) => one.name).slice(0, names.length);
      let text = JSON.stringify(told);
      services.forEach((name, at) => (text = text.replaceAll(JSON.stringify(name), JSON.stringify(names[at]))));
      await route.fulfill({ response: answer, body: text });
    };
    await page.route(/\/api\/v1\/(topology|services)\?/, rename);
    for (const viewport of [
      { width: 1280, height: 800 },
      { width: 390, height: 844 },
    ]) {
      await page.setViewportSize(viewport);
      await session.go("/traces?from=2026-01-01T00:00:00Z&to=2026-01-31T00:00:00Z");
      const long = await page.evaluate(() => document.documentElement.scrollWidth);
      holds(long <= viewport.width, `a time of a month makes it ${long} wide on ${viewport.width}`);
      for (const address of [`/?${time}`, `/?${time}&node=${encodeURIComponent(NAMES.long)}`, `/services?${time}`]) {
        await session.go(address);
        const told = await page.evaluate(() => ({
          text: document.querySelector("main").textContent,
          images: document.querySelectorAll("main img").length,
          title: document.title,
          wide: document.documentElement.scrollWidth,
        }));
        holds(told.text.includes(NAMES.markup) && told.text.includes(NAMES.right), `${address}: ${told.text}`);
        equal([told.images, told.title === "1"], [0, false], `${address}: markup`);
        holds(told.wide <= viewport.width, `${address} is ${told.wide} wide on ${viewport.width}`);
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.unroute(/\/api\/v1\/(topology|services)\?/, rename);
    equal(thrown, [], "errors");
  });

  await session.check("a page that is not loaded says so, and the others stay", async () => {
    await session.go(`/services?${time}`);
    // As after the server was replaced by another version: its files have other names.
    const gone = (route) => route.fulfill({ status: 404, body: "" });
    await page.route("**/assets/Traces-*", gone);
    await page.locator("nav a", { hasText: "Traces" }).click();
    const alert = page.locator("main [role=alert]", { hasText: "Load it anew" });
    await alert.waitFor();
    await page.locator("nav a", { hasText: "Services" }).click();
    await page.waitForSelector("main table tbody tr");
    equal(await alert.count(), 0, "what was said of the other page");
    await page.unroute("**/assets/Traces-*", gone);
    await page.locator("nav a", { hasText: "Traces" }).click();
    await alert
      .locator("button")
      .or(page.locator("h1", { hasText: "Traces" }))
      .first()
      .waitFor();
    if (await alert.count()) await alert.locator("button").click();
    await page.locator("h1", { hasText: "Traces" }).waitFor();
    session.troubles = session.troubles.filter((text) => !/status of 404|dynamically imported/.test(text));
  });

  const count = () => page.locator("table.rows").getAttribute("aria-rowcount").then(Number);
  const button = () => page.locator(".more button");

  await session.check("rows that come late are not added to those of another question", async () => {
    await session.go(`/requests?${time}`);
    let answered = 0;
    const later = async (route) => {
      await wait(1500);
      await route.continue().catch(() => {});
      answered += 1;
    };
    await page.route(/\/api\/v1\/requests\?.*after=/, later);
    await button().click();
    await page.waitForTimeout(200);
    await page.locator("th button", { hasText: "duration" }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("order") === "-duration");
    await session.settled();
    await page.waitForTimeout(2000);
    equal([answered, await count()], [1, 101], "late answers, and rows with the headings");
    await page.unroute(/\/api\/v1\/requests\?.*after=/, later);
  });

  await session.check("rows that somebody asked for do not go by themselves", async () => {
    await page.goto(`${session.base}/requests?${relative}&every=1`);
    await button().waitFor();
    await button().click();
    await page.waitForFunction(
      () => Number(document.querySelector("table.rows")?.getAttribute("aria-rowcount")) > 101,
      undefined,
      { timeout: 10_000 },
    );
    const there = await count();
    let asked = 0;
    const hear = (request) => /\/api\/v1\/(facets|requests)\?/.test(request.url()) && (asked += 1);
    page.on("request", hear);
    await wait(3500);
    page.off("request", hear);
    holds(asked > 0, "nothing was asked for again");
    equal(await count(), there, "rows after some seconds");
    // By hand they do.
    await page.locator("button.live").click();
    await page.waitForFunction(
      () => Number(document.querySelector("table.rows")?.getAttribute("aria-rowcount")) === 101,
      undefined,
      { timeout: 10_000 },
    );
  });

  await session.check("a time that ends before it begins is said, and either end mends it", async () => {
    await session.go(`/services?${time}`);
    const opener = page.locator(".picker button[aria-haspopup]");
    await opener.click();
    const [from, to] = [page.locator(".absolute input").first(), page.locator(".absolute input").last()];
    await from.fill("2026-03-02T03:04:05");
    await to.fill("2026-03-01T03:04:05");
    const submit = page.locator(".absolute button[type=submit]");
    await submit.click();
    holds(await to.evaluate((input) => !input.validity.valid), "nothing is said");
    await from.fill("2026-02-02T03:04:05");
    await submit.click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("from")?.startsWith("2026-02"));
    // What Escape closes gives the keyboard back to what opened it.
    await opener.click();
    await from.focus();
    await page.keyboard.press("Escape");
    equal(await opener.evaluate((button) => button === document.activeElement), true, "the button has the keyboard");
  });

  await session.check("while the server is away the page says so, and goes on by itself", async () => {
    await page.goto(`${session.base}/?${relative}&every=2`);
    await page.waitForSelector(".node");
    const away = (route) => route.abort();
    await page.route("**/api/**", away);
    const alert = page.locator("main [role=alert]", { hasText: "weir up" });
    await alert.first().waitFor({ timeout: 10_000 });
    holds((await page.locator(".node").count()) > 0, "the map went");
    await page.locator("nav a", { hasText: "Services" }).click();
    await alert.first().waitFor({ timeout: 10_000 });
    equal(await page.locator(".skeleton").count(), 0, "what waits for nobody");
    await page.unroute("**/api/**", away);
    await page.waitForSelector("main table tbody tr", { timeout: 20_000 });
    await alert.first().waitFor({ state: "detached", timeout: 20_000 });
    // It says that it asks again by itself: of a time that is over too.
    await page.route("**/api/**", away);
    await page.goto(`${session.base}/services?${time}`);
    await alert.first().waitFor({ timeout: 10_000 });
    await page.unroute("**/api/**", away);
    await page.waitForSelector("main table tbody tr", { timeout: 20_000 });
    session.troubles = session.troubles.filter((text) => !/ERR_FAILED/.test(text));
  });

  await session.check("the live view that was interrupted goes on, and says so", async () => {
    const live = /\/api\/v1\/live/;
    const away = (route) => route.abort();
    await page.route(live, away);
    await page.goto(`${session.base}/requests?live=1&filter=${encodeURIComponent('name = "nobody asks this"')}`);
    const alert = page.locator("main [role=alert]");
    await alert.waitFor();
    await page.unroute(live, away);
    await alert.waitFor({ state: "detached", timeout: 20_000 });
    let asked = 0;
    const refuse = (route) => {
      asked += 1;
      return route.fulfill({ status: 400, json: { title: "The request is not valid", status: 400, detail: "no" } });
    };
    await page.route(live, refuse);
    await page.goto(`${session.base}/requests?live=1`);
    await alert.waitFor();
    await wait(4000);
    equal(asked, 1, "questions that the server calls wrong");
    await page.unroute(live, refuse);
    session.troubles = session.troubles.filter((text) => !/ERR_FAILED|status of 400/.test(text));
  });

  await session.check("back and forth leads through what was looked at", async () => {
    await session.go(`/services?${time}`);
    await page.locator("main tbody a").first().click();
    await page.waitForFunction(() => location.pathname.startsWith("/services/"));
    await page.keyboard.press("3");
    await page.waitForSelector("table.rows tbody tr");
    await page.goBack();
    await page.waitForSelector("section[aria-label=Callers]");
    await page.goBack();
    await page.waitForFunction(() => location.pathname === "/services");
    await page.goForward();
    await page.waitForSelector("section[aria-label=Callers]");
    equal(thrown, [], "errors");
  });
  page.off("pageerror", hear);
}
