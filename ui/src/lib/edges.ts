/** How an edge of a map runs. */
import { HIGH, WIDE, type Place } from "./layout";

/** Begin, two points that bend it, and end: x and y of each. */
export type Bend = readonly [number, number, number, number, number, number, number, number];

/** From the right of one node to the left of the other; around both where the way leads back. */
export function bend(from: Place, to: Place): Bend {
  const [x1, y1, x2, y2] = [from.x + WIDE, from.y + HIGH / 2, to.x, to.y + HIGH / 2];
  if (from.x === to.x) {
    const out = x1 + 36;
    return [x1, y1, out, y1, out, y2, x1, y2];
  }
  if (x2 <= x1) {
    const side = Math.min(180, (x1 - x2) / 3 + 24) + (y1 === y2 ? HIGH : 0);
    const [a, b] = [from.x + WIDE / 2, to.x + WIDE / 2];
    return [a, from.y + HIGH, a, y1 + side, b, y2 + side, b, to.y + HIGH];
  }
  const pull = Math.max(28, (x2 - x1) * 0.45);
  return [x1, y1, x1 + pull, y1, x2 - pull, y2, x2, y2];
}

/** As the path of an SVG. */
export function path([x1, y1, ax, ay, bx, by, x2, y2]: Bend): string {
  return `M${x1} ${y1}C${ax} ${ay} ${bx} ${by} ${x2} ${y2}`;
}

export function curve(from: Place, to: Place): string {
  return path(bend(from, to));
}

/** A point of it: 0 is its begin, 1 its end. */
export function point([x1, y1, ax, ay, bx, by, x2, y2]: Bend, at: number): { x: number; y: number } {
  const rest = 1 - at;
  const [a, b, c, d] = [rest ** 3, 3 * rest ** 2 * at, 3 * rest * at ** 2, at ** 3];
  return { x: a * x1 + b * ax + c * bx + d * x2, y: a * y1 + b * ay + c * by + d * y2 };
}
