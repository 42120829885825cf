/** Ranges of time as the URL has them: relative (`-15m` to `now`) or absolute (RFC 3339). */

export interface Range {
  readonly from: string;
  readonly to: string;
}

export const USUAL: Range = { from: "-15m", to: "now" };
/** Ranges to choose from. */
export const RANGES = ["-1m", "-5m", "-15m", "-1h", "-3h", "-6h", "-1d", "-2d", "-7d", "-30d"] as const;

/** So many points at most does a chart have. */
const POINTS = 60;

const UNITS: { [unit: string]: number } = { s: 1, m: 60, h: 3600, d: 86_400 };

/** So far from 1970 no range lies, ten times as long included: beyond it there are no dates. Milliseconds. */
const FARTHEST = 8e14;

/** Milliseconds since 1970; `now` are those of this moment. None where the text is no time. */
export function moment(text: string, now: number): number | undefined {
  if (text === "now") return now;
  const relative = /^-(\d{1,9})([smhd])$/.exec(text);
  if (relative) {
    const at = now - Number(relative[1]) * (UNITS[relative[2] ?? "s"] ?? 1) * 1000;
    return at >= -FARTHEST ? at : undefined;
  }
  const parsed = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

export function isRelative(range: Range): boolean {
  return range.from.startsWith("-") && range.to === "now";
}

/** The range of a URL; the usual one where it says nothing that can be read. */
export function range(from: string | null, to: string | null): Range {
  const given = { from: from ?? USUAL.from, to: to ?? USUAL.to };
  const [begin, end] = [moment(given.from, 0), moment(given.to, 0)];
  const mixed = given.from.startsWith("-") !== (given.to === "now" || given.to.startsWith("-"));
  if (begin === undefined || end === undefined || (!mixed && begin >= end)) return USUAL;
  return given;
}

/** How long a range is: milliseconds. */
export function span(range: Range, now: number): number {
  return Math.max(1, (moment(range.to, now) ?? now) - (moment(range.from, now) ?? now));
}

/**
 * How often what is shown is asked for again where nobody chose, in seconds: a sixth of what a point of a chart stands for, so that a day is not read
 * anew every few seconds to show the same picture; at least 10, at most 300.
 */
export function usualRefresh(range: Range, now: number): number {
  const seconds = span(range, now) / 1000 / POINTS / 6;
  return Math.max(10, Math.min(300, Math.ceil(seconds / 10) * 10));
}

/** A refresh that is asked for by hand or in the URL: none below a second, and timers know no more than 24 days. Seconds; 0 is none. */
export function chosenRefresh(text: string): number {
  const seconds = Number(text);
  return seconds >= 1 ? Math.min(seconds, 86_400) : 0;
}

/** The range of the same length before, or behind, this one. */
export function shifted(range: Range, by: number, now: number): Range {
  const length = span(range, now);
  const end = (moment(range.to, now) ?? now) + by * length;
  if (end >= now) return isRelative(range) ? range : { from: iso(now - length), to: iso(now) };
  return { from: iso(end - length), to: iso(end) };
}

/** The range that lies just before this one and is as long. Relative ranges stay relative, so that no clock but the server's counts. */
export function before(range: Range, now: number): Range {
  const relative = /^-(\d{1,9})([smhd])$/.exec(range.from);
  if (relative && range.to === "now") {
    return { from: `-${Number(relative[1]) * 2}${relative[2]}`, to: range.from };
  }
  const end = moment(range.from, now) ?? now;
  return { from: iso(end - span(range, now)), to: iso(end) };
}

/** Milliseconds as RFC 3339 in UTC. */
export function iso(at: number): string {
  return new Date(at).toISOString();
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** The time of day in the zone of whoever looks: `14:03:11`, with thousandths if wanted. */
export function clock(at: number, thousandths = false): string {
  const date = new Date(at);
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return thousandths ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

/** The day: `2026-11-20`. */
export function day(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Day, time and zone: what is shown where one points at a time. */
export function exact(at: number): string {
  const offset = -new Date(at).getTimezoneOffset();
  const zone = `UTC${offset < 0 ? "−" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${day(at)} ${clock(at, true)} ${offset === 0 ? "UTC" : zone}`;
}

/** How long ago, in words short enough for a list: `12 s`, `5 min`. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** RFC 3339 in local time without seconds' parts, as an input for dates wants it. */
export function forInput(at: number): string {
  return `${day(at)}T${clock(at)}`;
}
