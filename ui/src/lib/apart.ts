/** What sets requests apart, as it is worth telling. */
import type { Difference } from "../api/client";

/** Fields that only repeat another one of the same value. */
const SAME: readonly (readonly [string, string])[] = [
  ["http.route", "name"],
  ["service.name", "server"],
  ["service.name", "client"],
  ["http.response.status_code", "error.type"],
  ["process.executable.name", "service.name"],
  ["process.executable.name", "server"],
];

/** Parts that differ by less tell nothing: each of a hundred values that a few requests have is missing from most selections. */
const LEAST = 0.02;

/** What sets a selection apart, as many as are asked for: nothing where it has no request, or where it has them all and there is no rest. */
export function setApart(
  found: { readonly selected: number; readonly others: number; readonly differences: readonly Difference[] },
  most: number,
): Difference[] {
  return found.selected > 0 && found.others > 0 ? distinct(found.differences).slice(0, most) : [];
}

/** Differences that tell something, without those that another field tells with the same parts. */
export function distinct(all: readonly Difference[]): Difference[] {
  return all.filter((one) => {
    if (Math.abs(one.selected - one.others) < LEAST) return false;
    const same = (other: Difference) =>
      other !== one && Math.abs(other.selected - one.selected) < 0.002 && Math.abs(other.others - one.others) < 0.002;
    return !all.some((other) => same(other) && SAME.some(([a, b]) => a === one.field && b === other.field));
  });
}
