// What each page says of the shop of the tests: the map's panels, a service, one request, hosts; and what is said when something is wrong.
import { equal, holds, number } from "./harness.mjs";

const all = (sent, ...names) => names.reduce((sum, name) => sum + sent[name], 0);
const texts = (page, selector) => page.$$eval(selector, (found) => found.map((one) => one.textContent.trim()));

/** `time` is when `sent` was sent, as a part of a URL. */
export async function views(session, { time, sent, ports, answered }) {
  // What came by nginx to the shop itself; carts are somebody else's.
  const shop = all(sent, "orders 200", "reports 200", "broken 503");

  await session.check("an edge tells how many went over it, and where", async () => {
    await session.go(`/?${time}&edge=${encodeURIComponent("nginx → shop")}`);
    await session.page.waitForSelector(".map-panel .figures");
    await session.settled();
    const text = await session.page.locator(".map-panel").innerText();
    equal(number(/([\d,]+) requests/.exec(text)[1]), shop, "requests from nginx to the shop");
    for (const name of ["http", "on one host", "GET /orders"])
      holds(text.includes(name), `${name} is not in the panel: ${text}`);
  });

  await session.check("who feels it when a store fails is told, and shown on the map", async () => {
    const { page } = session;
    await session.go(`/services?${time}`);
    const store = (await texts(page, "main tbody a")).find((name) => /maria|mysql/.test(name));
    await session.go(`/?${time}&node=${encodeURIComponent(store)}`);
    await page.locator("button", { hasText: "Blast radius" }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("show") === "blast");
    await session.go(`/services/${encodeURIComponent(store)}?${time}`);
    const section = page.locator("section", { hasText: "Blast radius" }).last();
    const rows = await section
      .locator("tbody tr")
      .evaluateAll((found) => found.map((row) => [...row.cells].slice(0, 2).map((cell) => cell.textContent.trim())));
    const distances = Object.fromEntries(rows);
    equal([distances.shop, distances.nginx], ["1", "2"], `calls between, of ${JSON.stringify(rows)}`);
  });

  await session.check("groups by host and by kind are opened and closed", async () => {
    const { page } = session;
    await session.go(`/?${time}&group=kind`);
    await page.waitForSelector(".node");
    const grouped = await texts(page, ".node title");
    await page
      .locator(".node", { has: page.locator("title", { hasText: /\(\d+\)/ }) })
      .first()
      .click();
    await page.locator("button", { hasText: "Open the group" }).click();
    await page.locator("button", { hasText: "Close groups" }).waitFor();
    await session.settled();
    const opened = await texts(page, ".node title");
    holds(opened.length >= grouped.length && opened.join() !== grouped.join(), `${grouped} and then ${opened}`);
    await session.go(`/?${time}&group=host`);
    holds((await texts(page, ".node title")).length < opened.length, "services of one host are one");
  });

  await session.check("a request tells its fields, its connection and its trace", async () => {
    const { page } = session;
    await session.go(`/requests?${time}&filter=${answered(ports.nginx, ' and name ^= "GET /orders"')}`);
    await page.locator("table.rows tbody tr a").first().click();
    await page.waitForSelector(".facts");
    await session.settled();
    const text = await page.locator("main").innerText();
    for (const said of ["http.request.method", "/orders/", String(ports.nginx), "shop"])
      holds(text.includes(said), `${said} is not on the page of a request: ${text}`);
  });

  await session.check("the host's agent is there, with its version and its back ends", async () => {
    await session.go(`/hosts?${time}`);
    const rows = await session.table();
    equal(rows.length, 1, "agents");
    holds(/\d+\.\d+\.\d+/.test(Object.values(rows[0]).join(" ")), `no version: ${JSON.stringify(rows[0])}`);
    holds(/trac|tramp|kprobe/.test(Object.values(rows[0]).join(" ")), `no back end: ${JSON.stringify(rows[0])}`);
  });

  await session.check("what was lost, left out or damaged is said where figures suffer from it", async () => {
    const { page } = session;
    await page.route("**/api/v1/topology*", async (route) => {
      const answer = await route.fetch();
      const told = await answer.json();
      Object.assign(told.about.coverage, { lost: 1234, lost_ratio: 0.25, sampled: 0.5 });
      told.about.damaged = ["requests-00000007.parquet"];
      await route.fulfill({ response: answer, json: told });
    });
    await session.go(`/?${time}`);
    const notices = (await texts(page, ".notice")).join("\n");
    for (const said of ["1,234", "25 %", "50 %", "requests-00000007.parquet"])
      holds(notices.includes(said), `${said} is not said: ${notices}`);
    await page.unroute("**/api/v1/topology*");
  });

  await session.check("what goes wrong is said, with what to do", async () => {
    const { page } = session;
    await session.go(`/requests?${time}&filter=${encodeURIComponent("nothing = 1")}`);
    const wrong = (await texts(page, "[role=alert]")).join("\n");
    holds(/nothing/.test(wrong), `a field that is none: ${wrong}`);
    await page.route("**/api/v1/services?*", (route) => route.abort());
    await session.go(`/services?${time}`);
    const away = (await texts(page, "[role=alert]")).join("\n");
    holds(/weir up/.test(away), `no server: ${away}`);
    await page.unroute("**/api/v1/services?*");
    // The browser itself says so too, which is as it should be.
    session.troubles = session.troubles.filter((text) => !/ERR_FAILED|status of 400/.test(text));
  });
}
