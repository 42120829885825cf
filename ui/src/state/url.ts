/** Where the page is. The URL is the only place for it, so that a link shows a colleague the same thing. */
import { createMemo, createRoot, createSignal, type Accessor } from "solid-js";
import { pathParts } from "../lib/text";
import { range, USUAL, type Range } from "../lib/time";

interface Place {
  readonly path: string;
  readonly params: URLSearchParams;
}

function read(): Place {
  return { path: window.location.pathname, params: new URLSearchParams(window.location.search) };
}

const [place, setPlace] = createSignal<Place>(read());
window.addEventListener("popstate", () => setPlace(read()));

/** The path's parts: `/services/shop` is `["services", "shop"]`. */
export const path = createMemo(() => pathParts(place().path), [], {
  equals: (a, b) => a.join("\n") === b.join("\n"),
});

const params = new Map<string, Accessor<string>>();

/** What stands behind the question mark. Who reads one hears of changes of that one only: what is typed into a search does not draw the map anew. */
export function param(name: string): string {
  let found = params.get(name);
  if (!found) {
    found = createRoot(() => createMemo(() => place().params.get(name) ?? ""));
    params.set(name, found);
  }
  return found();
}

/** These go along from page to page. */
const KEPT = ["from", "to", "every"];

/** An address within the page, with the range of time that is looked at. */
export function href(path: string[], params: { [name: string]: string | undefined } = {}): string {
  const query = new URLSearchParams();
  for (const name of KEPT) {
    const value = param(name);
    if (value) query.set(name, value);
  }
  for (const [name, value] of Object.entries(params)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  return `/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

/** Goes to an address within the page. */
export function go(address: string, replace = false): void {
  if (address === window.location.pathname + window.location.search) return;
  if (replace) window.history.replaceState(null, "", address);
  else window.history.pushState(null, "", address);
  const was = place().path;
  setPlace(read());
  if (place().path !== was) window.scrollTo(0, 0);
}

/** Changes what stands behind the question mark; empty values go. */
export function set(params: { [name: string]: string | undefined }, replace = false): void {
  const query = new URLSearchParams(place().params);
  for (const [name, value] of Object.entries(params)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  go(window.location.pathname + (text ? `?${text}` : ""), replace);
}

/** The range of time that is looked at. */
export const looked = createMemo<Range>(() => range(param("from") || null, param("to") || null), USUAL, {
  equals: (a, b) => a.from === b.from && a.to === b.to,
});

/** Looks at another range. */
export function look(range: Range): void {
  const usual = range.from === USUAL.from && range.to === USUAL.to;
  set({ from: usual ? undefined : range.from, to: usual || range.to === "now" ? undefined : range.to });
}

/** Follows links without loading the page anew. */
export function followLinks(): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || link.target || link.hasAttribute("download")) return;
    const to = link.getAttribute("href");
    if (!to?.startsWith("/") || to.startsWith("/api/")) return;
    event.preventDefault();
    go(to);
  });
}
