/** Points of series on one axis of time. */
import type { Figures, Point } from "../api/client";

export interface Lines {
  readonly times: number[];
  readonly rate: (number | null)[];
  readonly errors: (number | null)[];
  readonly p50: (number | null)[];
  readonly p95: (number | null)[];
  readonly p99: (number | null)[];
}

/**
 * Points at every step of a time. A step without requests has a rate of zero and no latency: nothing was asked is known, how long it would have
 * taken is not. The steps before anything was ever seen have nothing at all, so that a server that began to watch later does not seem idle.
 */
export function lines(points: readonly Point[], from: number, to: number, step: number): Lines {
  const found = new Map<number, Figures>();
  for (const point of points) found.set(Math.round(Date.parse(point.time) / 1000 / step), point.figures);
  const first = found.size > 0 ? Math.min(...found.keys()) : Infinity;
  const result: Lines = { times: [], rate: [], errors: [], p50: [], p95: [], p99: [] };
  const last = Math.max(Math.ceil(to / step) - 1, Math.floor(from / step));
  for (let at = Math.floor(from / step); at <= last; at += 1) {
    const figures = found.get(at);
    result.times.push(at * step);
    result.rate.push(figures ? figures.rate : at > first ? 0 : null);
    result.errors.push(figures ? figures.rate * figures.error_ratio : at > first ? 0 : null);
    result.p50.push(figures?.p50 ?? null);
    result.p95.push(figures?.p95 ?? null);
    result.p99.push(figures?.p99 ?? null);
  }
  return result;
}

/** A line through values, as the path of an SVG that is `width` by `height`; gaps where there is none. */
export function spark(values: readonly (number | null)[], width: number, height: number, most?: number): string {
  const top = most ?? Math.max(...values.map((value) => value ?? 0));
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let path = "";
  let open = false;
  values.forEach((value, at) => {
    if (value === null) {
      open = false;
      return;
    }
    const y = height - 1 - (top > 0 ? (value / top) * (height - 2) : 0);
    path += `${open ? "L" : "M"}${(at * step).toFixed(1)} ${y.toFixed(1)}`;
    if (!open && (values[at + 1] ?? null) === null) path += "h1";
    open = true;
  });
  return path;
}

/**
 * Since when values are different: the first of the last run that lies beyond half-way between what was usual at the beginning and what is usual at the
 * end. None where the two do not differ by half.
 */
export function since(times: readonly number[], values: readonly (number | null)[]): number | undefined {
  const known = values.map((value, at) => [times[at] ?? 0, value] as const).filter((pair) => pair[1] !== null);
  if (known.length < 6) return undefined;
  const part = Math.max(2, Math.floor(known.length / 4));
  const middle = (some: typeof known) => some.map((pair) => pair[1] ?? 0).sort((a, b) => a - b)[some.length >> 1] ?? 0;
  const [before, after] = [middle(known.slice(0, part)), middle(known.slice(-part))];
  if (after <= before * 1.5) return undefined;
  const border = (before + after) / 2;
  let at = known.length;
  let misses = 0;
  for (let place = known.length - 1; place >= 0; place -= 1) {
    if ((known[place]?.[1] ?? 0) >= border) {
      at = place;
      misses = 0;
    } else if ((misses += 1) > 2) break;
  }
  return known[at]?.[0];
}
