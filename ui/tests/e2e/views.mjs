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

  await session.check("lines have the colour of their latency, and the width of their rate", async () => {
    const { page } = session;
    await session.go(`/?${time}`);
    await page.waitForSelector(".edge .line");
    const lines = await page.$$eval(".edge", (edges) =>
      edges.map((edge) => {
        const line = edge.querySelector(".line");
        const { stroke, strokeDasharray } = getComputedStyle(line);
        const fails = edge.matches(".warn, .error");
        return { slowness: /lat-\d/.exec(edge.getAttribute("class"))[0], fails, stroke, dash: strokeDasharray };
      }),
    );
    const well = new Map(lines.filter((line) => !line.fails).map((line) => [line.slowness, line.stroke]));
    holds(well.size >= 2, `all lines are as slow: ${JSON.stringify(lines)}`);
    equal(new Set(well.values()).size, well.size, `colours of ${[...well.keys()]}`);
    const failing = lines.filter((line) => line.fails);
    holds(
      failing.length >= 2 && failing.every((line) => ![...well.values()].includes(line.stroke)),
      "what fails looks so",
    );
    holds(
      failing.every((line) => line.dash !== "none"),
      "what fails below 5 % is dashed",
    );
    const widths = await page.$$eval(".edge .line", (found) =>
      found.map((line) => Number(line.getAttribute("stroke-width"))),
    );
    holds(Math.min(...widths) >= 1 && Math.max(...widths) > Math.min(...widths), `widths: ${widths}`);
  });

  await session.check("databases, caches, external and unknown peers are shown as such", async () => {
    const { page } = session;
    const kinds = ["service", "database", "cache", "external", "unknown"];
    await page.route("**/api/v1/topology*", async (route) => {
      const answer = await route.fetch();
      const told = await answer.json();
      // The time before has none.
      if (told.edges.length === 0) return route.fulfill({ response: answer, json: told });
      const figures = told.edges[0].figures;
      told.nodes = kinds.map((kind) => ({ name: `one-${kind}`, kind, hosts: [], protocols: [] }));
      told.edges = kinds.slice(1).map((kind) => ({
        ...told.edges[0],
        client: "one-service",
        server: `one-${kind}`,
        figures,
        seen_by_client: null,
      }));
      await route.fulfill({ response: answer, json: told });
    });
    await session.go(`/?${time}&group=none`);
    await page.waitForSelector(".node");
    const nodes = await page.$$eval(".node", (found) =>
      found.map((node) => ({
        title: node.querySelector("title").textContent,
        sign: node.querySelector(".sign path").getAttribute("d"),
        dashed: getComputedStyle(node.querySelector(".box")).strokeDasharray !== "none",
        left: new DOMMatrix(getComputedStyle(node).transform).e,
      })),
    );
    equal(nodes.length, kinds.length, "nodes");
    for (const kind of kinds) {
      const node = nodes.find((one) => one.title === `one-${kind}, ${kind === "unknown" ? "unknown peer" : kind}`);
      holds(node, `${kind} is not among ${JSON.stringify(nodes)}`);
      equal(node.dashed, kind === "external" || kind === "unknown", `${kind} is dashed`);
    }
    equal(new Set(nodes.map((node) => node.sign)).size, kinds.length, "signs");
    const of = (kind) => nodes.find((node) => node.title.startsWith(`one-${kind}`)).left;
    holds(of("service") < of("database") && of("service") < of("cache"), "stores stand at the right");
    await page.unroute("**/api/v1/topology*");
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

  await session.check("whom a service cannot do without is told, with what that is based on", async () => {
    const { page } = session;
    const trouble = { windows: 3, others: 17, calls_then: 1, calls_otherwise: 0 };
    let asked = 0;
    await page.route("**/api/v1/services/shop/dependencies*", async (route) => {
      const answer = await route.fetch();
      const told = await answer.json();
      asked = told.dependencies.length;
      const [needed, spared] = told.dependencies;
      needed.verdict = "strong";
      needed.evidence = { ...trouble, trouble: "errors", caller_then: 0.9, caller_otherwise: 0.01 };
      spared.verdict = "weak";
      spared.evidence = { ...trouble, trouble: "slow", caller_then: 0.012, caller_otherwise: 0.011 };
      await route.fulfill({ response: answer, json: told });
    });
    await session.go(`/services/shop?${time}`);
    const section = page.locator("section", { hasText: "Depends on" }).last();
    const rows = await section.locator("tbody tr").evaluateAll((found) =>
      found.map((row) => ({
        verdict: row.cells[1].textContent.trim(),
        server: row.cells[0].textContent,
        why: row.title,
      })),
    );
    equal([asked, rows.length], [2, 2], "whom the shop asks");
    equal(
      rows.map((row) => row.verdict),
      ["■ needs it", "□ does without"],
      "verdicts",
    );
    for (const said of ["3 of 20", "90 %", "1 %"])
      holds(rows[0].why.includes(said), `${said} is not in ${rows[0].why}`);
    for (const said of ["12 ms", "11 ms"]) holds(rows[1].why.includes(said), `${said} is not in ${rows[1].why}`);
    await session.go(`/?${time}&node=shop`);
    const panel = await page.locator(".map-panel").innerText();
    for (const said of [`Cannot do without: ${rows[0].server}`, `Can do without: ${rows[1].server}`])
      holds(panel.includes(said), `${said} is not in the panel: ${panel}`);
    await page.unroute("**/api/v1/services/shop/dependencies*");
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

  await session.check("the host's agent is there as the server knows it", async () => {
    const { page } = session;
    const answer = page.waitForResponse((one) => one.url().includes("/api/v1/agents"));
    await session.go(`/hosts?${time}`);
    const { agents } = await (await answer).json();
    const rows = await session.table();
    equal(rows.length, agents.length, "agents");
    const [agent] = agents;
    const told = agent.attributes;
    const row = rows.find((one) => one.Host === agent.host);
    equal([row.Version, row.Kernel], [agent.version, agent.kernel], "versions");
    equal(row["Back ends"], [...new Set([told["sees.sent.by"], told["sees.received.by"]])].join(", "), "back ends");
    holds(/^\w/.test(row["Back ends"]), `no back end: ${JSON.stringify(row)}`);
    holds(agent.events > 1000, `only ${agent.events} events`);
    const shown = /^([\d.,]+)( [kMG])?$/.exec(row.Events);
    const events = number(shown[1]) * ({ " k": 1e3, " M": 1e6, " G": 1e9 }[shown[2]] ?? 1);
    holds(Math.abs(events / agent.events - 1) < 0.005, `${row.Events} of ${agent.events} events`);
    const part = agent.lost / (agent.events + agent.lost);
    if (agent.lost === 0) equal(row.Lost, "0", "lost");
    else holds(row.Lost.startsWith(`△ ${agent.lost.toLocaleString("en")} (`), `${row.Lost}: ${agent.lost}, ${part}`);
    equal(row["Connections watched"], `${Math.round(agent.sampled * 100)} %`, "watched");
    equal(row["Left out"], told.stage === "nothing" ? "none" : told.stage, "left out");
    const limit = Number(told["memory.limit.bytes"]) / 2 ** 20;
    holds(
      row.Memory.endsWith(`/ ${limit >= 100 ? limit.toFixed(0) : Number(limit.toPrecision(3))} MiB`),
      `${row.Memory} of ${limit}`,
    );
    holds(row.Processor.endsWith(`/ ${Number(told["cpu.limit"]) * 100} %`), `${row.Processor} of ${told["cpu.limit"]}`);
  });

  await session.check("a host on which nobody asks anything is told what to try, in both languages", async () => {
    const nothing = "from=2020-01-01T00:00:00Z&to=2020-01-01T00:15:00Z";
    const commands = ["curl http://localhost/", "curl http://localhost:8000/", "sudo weir requests"];
    const before = session.page;
    for (const [locale, said] of [
      ["en", ["Nothing was seen in this time", "Ask a server of this host:", "nobody asked anything"]],
      ["zh-CN", ["向本机的一个服务发请求：", "没有任何请求"]],
    ]) {
      const page = await session.open({ locale });
      await session.go(`/?${nothing}`);
      await page.waitForSelector(".empty");
      const text = await page.locator("main").innerText();
      for (const one of [...said, ...commands]) holds(text.includes(one), `${one} is not said in ${locale}: ${text}`);
      await session.go(`/services?${nothing}`);
      const services = await page.locator(".empty").innerText();
      for (const one of commands) holds(services.includes(one), `${one} is not said of services: ${services}`);
      await page.context().close();
    }
    session.page = before;
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
