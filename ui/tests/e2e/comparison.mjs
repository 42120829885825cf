// Two times side by side: what the users sent in each of them is what differs on the page.
import { equal, holds } from "./harness.mjs";

const length = (time) => {
  const query = new URLSearchParams(time);
  return (Date.parse(query.get("to")) - Date.parse(query.get("from"))) / 1000;
};
/** `3.2 /s` as requests a second. */
const rate = (text) => {
  const found = /^([\d.]+) \/(s|min)$/.exec(text);
  return found ? Number(found[1]) / (found[2] === "min" ? 60 : 1) : Number.NaN;
};

/** `sent` was sent in `time`, and `sentLater` in `later`: parts of a URL. */
export async function comparison(session, { time, sent, later, sentLater, ports, answered }) {
  const { page } = session;
  const base = new URLSearchParams(time);
  const address = `/compare?${later}&base_from=${base.get("from")}&base_to=${base.get("to")}`;
  /** The rows of a part by their operation; columns of the same name (`after`) by their place. */
  const part = async (title) => {
    const section = page.locator(`section[aria-label="${title}"]`);
    if ((await section.count()) === 0) return new Map();
    const rows = await section
      .locator("tbody tr")
      .evaluateAll((found) => found.map((row) => [...row.cells].map((cell) => cell.textContent.trim())));
    return new Map(rows.map(([server, protocol, name, ...rest]) => [name.split(" ")[1]?.split("/")[1] ?? name, rest]));
  };

  await session.check("two times side by side differ by what was sent in each", async () => {
    await session.go(`${address}&filter=${answered(ports.nginx)}`);
    await page.waitForSelector("table.compare tbody tr");
    await session.settled();
    const [slower, failing, fresh, gone] = [
      await part("Slower"),
      await part("Failing more"),
      await part("New"),
      await part("Gone"),
    ];
    equal([...fresh.keys()], ["refunds"], "new");
    equal([...gone.keys()].sort(), ["broken", "carts"], "gone");
    equal([...failing.keys()], ["reports"], "failing more");
    equal([...slower.keys()], ["orders"], "slower");

    const close = (found, expected, what) =>
      holds(Math.abs(found / expected - 1) < 0.02, `${what}: ${found} a second, ${expected} were sent`);
    const orders = slower.get("orders");
    close(rate(orders[4]), sent["orders 200"] / length(time), "orders before");
    close(rate(orders[5]), sentLater["orders 200"] / length(later), "orders after");
    const after = /^([\d.]+) ms$/.exec(orders[1]);
    holds(after && Number(after[1]) >= 50 && Number(after[1]) < 150, `p50 of what sleeps for 50 ms: ${orders[1]}`);
    equal(orders.at(-1), "100 %", "its share of the change");

    const reports = failing.get("reports");
    const failed = sentLater["reports 503"] / (sentLater["reports 503"] + sentLater["reports 200"]);
    equal(reports.slice(0, 2), ["0 %", `▲ ${Math.round(failed * 1000) / 10} %`], "reports that fail");
    close(rate(fresh.get("refunds")[5]), sentLater["refunds 200"] / length(later), "refunds");
    equal(fresh.get("refunds")[4], "–", "refunds before");
    close(rate(gone.get("carts")[4]), sent["carts 200"] / length(time), "carts before");
  });

  await session.check("services and queries are compared too, and what differs leads to its requests", async () => {
    await session.go(`${address}&what=services&filter=${answered(ports.carts)}`);
    await page.waitForSelector("table.compare tbody tr");
    equal(
      await page.locator("table.compare tbody tr td:first-child").allInnerTexts(),
      ["carts"],
      "services that are gone",
    );
    await session.go(`${address}&what=queries&filter=${answered(ports.mysql)}`);
    await page.waitForSelector("section[aria-label=New] tbody tr");
    const fresh = await page.locator("section[aria-label=New] tbody tr td:nth-child(2)").allInnerTexts();
    equal(fresh, ["UPDATE orders"], "queries that are new");
    await session.go(`${address}&filter=${answered(ports.nginx)}`);
    await page.locator("section[aria-label=New] tbody a").first().click();
    await page.waitForFunction(() => location.pathname === "/requests");
    await page.waitForFunction(
      (sent) => document.querySelector(".head .mono")?.textContent.startsWith(`${sent} of `),
      sentLater["refunds 200"],
    );
  });
}
