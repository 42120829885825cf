/**
 * A call between two processes that are watched is seen twice: as its client saw it, and as its server did. Where requests are counted, each call counts
 * once: by the side that saw more, the server's where both saw all. It is the rule by which the server makes edges.
 */
import type { Operation } from "../api/client";

/** Fields that differ between the two sides of a call: put together by these, both sides are told. */
const OWN = new Set([
  "service",
  "service.name",
  "host",
  "host.name",
  "role",
  "pid",
  "process.pid",
  "process.executable.name",
  "connection",
]);

/** Whether calls can be counted once when they are put together by these fields. */
export function foldable(by: string): boolean {
  return !by.split(",").some((field) => OWN.has(field.trim()));
}

/** Operations by some fields and, last, by role, as operations by those fields alone. Shares are of what is left. */
export function once(operations: readonly Operation[]): Operation[] {
  const best = new Map<string, { role: string | null | undefined; operation: Operation }>();
  for (const operation of operations) {
    const role = operation.keys[operation.keys.length - 1];
    const keys = operation.keys.slice(0, -1);
    const id = JSON.stringify(keys);
    const was = best.get(id);
    const [count, other] = [operation.figures.count, was?.operation.figures.count ?? -1];
    if (count > other || (count === other && role === "server"))
      best.set(id, { role, operation: { ...operation, keys } });
  }
  const all = [...best.values()].map((one) => one.operation);
  const whole = all.reduce((sum, one) => sum + one.figures.total, 0);
  return all.map((one) => ({ ...one, share: whole > 0 ? one.figures.total / whole : 0 }));
}
