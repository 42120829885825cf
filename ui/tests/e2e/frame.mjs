// What is around every page: the time that is looked at, how often it is asked for again, what stands there while one waits; and that nothing is loaded from elsewhere.
import { equal, holds, wait } from "./harness.mjs";

/** `time` is a part of a URL. */
export async function frame(session, { time }) {
  const { page } = session;

  await session.check("a range is chosen, relative or absolute, and is in the URL", async () => {
    await session.go("/services");
    await page.locator(".picker button[aria-haspopup]").click();
    await page.locator(".presets button", { hasText: "last 1 h" }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("from") === "-1h");
    await page.locator(".picker button[aria-haspopup]").click();
    const [from, to] = ["2026-01-02T03:04:05", "2026-01-02T04:05:06"];
    await page.locator(".absolute input").first().fill(from);
    await page.locator(".absolute input").last().fill(to);
    await page.locator(".absolute button[type=submit]").click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("from")?.startsWith("20"));
    const query = new URL(page.url()).searchParams;
    const zone = await page.evaluate((text) => new Date(text).toISOString(), from);
    equal(query.get("from"), zone, "the beginning");
    equal(Date.parse(query.get("to")) - Date.parse(query.get("from")), 3_661_000, "its length");
    // `[` goes back by as much as is looked at.
    await page.locator("h1").click();
    await page.keyboard.press("[");
    await page.waitForFunction((zone) => new URL(location.href).searchParams.get("to") === zone, zone);
    // `]` goes on by as much.
    await page.keyboard.press("]");
    await page.waitForFunction((zone) => new URL(location.href).searchParams.get("from") === zone, zone);
  });

  await session.check("the keys are told, and the dialog goes as it came", async () => {
    await session.go("/services");
    await page.locator("h1").click();
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    const keys = await dialog.locator("kbd").allTextContents();
    for (const key of ["Ctrl K", "/", "[ ]", "?"]) holds(keys.includes(key), `${key} is not among ${keys}`);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    // Whoever writes a filter means the letter.
    await session.go("/requests?from=-1m");
    await page.keyboard.press("/");
    await page.keyboard.type("?");
    equal(await dialog.count(), 0, "dialogs");
  });

  await session.check("a region of the heat map is selected and dropped by the keyboard alone", async () => {
    await session.go(`/requests?${time}`);
    const canvas = page.locator(".heat canvas");
    await canvas.focus();
    await page.keyboard.press("ArrowUp");
    const [above, left] = [12, 70];
    for (let step = 0; step < above; step += 1) await page.keyboard.press("Shift+ArrowUp");
    for (let step = 0; step < above; step += 1) await page.keyboard.press("Shift+ArrowDown");
    for (let step = 0; step < above; step += 1) await page.keyboard.press("Shift+ArrowDown");
    for (let step = 0; step < left; step += 1) await page.keyboard.press("Shift+ArrowLeft");
    equal(new URL(page.url()).searchParams.get("sel"), null, "a selection before Enter");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".apart");
    const [from, to, low, high] = new URL(page.url()).searchParams.get("sel").split("~").map(Number);
    holds(from < to && low < high, `from ${from} to ${to}, ${low} to ${high}`);
    await page.keyboard.press("Escape");
    await page.locator(".apart").waitFor({ state: "detached" });
    equal(new URL(page.url()).searchParams.get("sel"), null, "the selection after Escape");
  });

  await session.check("what is summed up leads to its requests by the keyboard", async () => {
    await session.go(`/requests?${time}&view=operations`);
    await page.waitForSelector("main table tbody tr");
    await page.keyboard.press("j");
    await page.waitForSelector("main tbody tr.cursor");
    await page.keyboard.press("Enter");
    await page.waitForSelector("table.rows tbody tr");
    const query = new URL(page.url()).searchParams;
    equal(query.get("view"), null, "the view");
    holds(/name = /.test(query.get("filter")), `the filter: ${query.get("filter")}`);
  });

  await session.check("Escape closes what is open before it ends what is selected", async () => {
    await session.go(`/?${time}`);
    await page.locator(".node").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".panel-title");
    await page.locator(".picker button[aria-haspopup]").click();
    await page.keyboard.press("Escape");
    equal(await page.locator(".times").count(), 0, "the times");
    equal(await page.locator(".panel-title").count(), 1, "the panel");
    await page.keyboard.press("?");
    await page.keyboard.press("Escape");
    equal(await page.getByRole("dialog").count(), 0, "the keys");
    equal(await page.locator(".panel-title").count(), 1, "the panel after that");
    await page.keyboard.press("Escape");
    await page.locator(".panel-title").waitFor({ state: "detached" });
    equal(new URL(page.url()).searchParams.get("node"), null, "the selection");
  });

  await session.check("what is relative is asked for again, what is absolute is not", async () => {
    let asked = 0;
    const hear = (request) => request.url().includes("/api/v1/services?") && (asked += 1);
    page.on("request", hear);
    await page.goto(`${session.base}/services?every=1`);
    await page.waitForSelector("main table");
    await wait(3500);
    holds(asked >= 3, `asked ${asked} times in 3.5 s`);
    await session.go(`/services?every=1&${time}`);
    asked = 0;
    await wait(2500);
    equal(asked, 0, "questions about a time that is over");
    page.off("request", hear);
  });

  await session.check("what the server refuses is said, and asked again only by hand", async () => {
    let asked = 0;
    const detail = "the answer needs more memory than a question may have";
    await page.route("**/api/v1/services?*", (route) => {
      asked += 1;
      return route.fulfill({ status: 400, json: { title: "The request is not valid", status: 400, detail } });
    });
    await page.goto(`${session.base}/services?every=1`);
    const alert = page.locator("main [role=alert]");
    await alert.waitFor();
    await wait(2500);
    equal(asked, 1, "questions");
    const text = await alert.innerText();
    for (const said of [detail, "the filter or the time range"])
      holds(text.includes(said), `${said} is not said: ${text}`);
    await page.unroute("**/api/v1/services?*");
    await alert.locator("button", { hasText: "Try again" }).click();
    await page.waitForFunction(() => !document.querySelector("main [role=alert]"));
    // The browser itself says so too, which is as it should be.
    session.troubles = session.troubles.filter((text) => !/status of 400/.test(text));
  });

  await session.check("while an answer is waited for, its shape stands there", async () => {
    await page.route("**/api/v1/services?*", async (route) => {
      await wait(1500);
      await route.continue().catch(() => {});
    });
    await page.goto(`${session.base}/services?${time}`);
    await page.waitForSelector("main .skeleton", { timeout: 1400 });
    await page.waitForSelector("main table tbody tr");
    equal(await page.locator("main .skeleton").count(), 0, "shapes beside the answer");
    await page.unroute("**/api/v1/services?*");
  });
}
