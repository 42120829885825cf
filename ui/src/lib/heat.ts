/** A heat map's cells as what is drawn and what is selected. */
import type { HeatMap } from "../api/client";

export interface Region {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Seconds. */
  readonly low: number;
  readonly high: number;
}

/** The rows that have requests, with one more on both sides: the part of the scale that is drawn. */
export function rows(map: Pick<HeatMap, "cells" | "bounds">): { first: number; last: number } {
  const found = map.cells.map((cell) => cell[1] ?? 0);
  const top = map.bounds.length - 2;
  if (found.length === 0) return { first: 0, last: Math.max(0, top) };
  let [first, last] = [Infinity, -Infinity];
  for (const row of found) {
    first = Math.min(first, row);
    last = Math.max(last, row);
  }
  // At least eight rows, so that a few requests are no wall.
  first = Math.max(0, first - 1);
  last = Math.min(Math.max(top, last), last + 1);
  while (last - first < 8 && (first > 0 || last < top)) {
    if (first > 0) first -= 1;
    if (last < top) last += 1;
  }
  return { first, last };
}

/** How strongly a cell is drawn, 0 to 1: by the root, so that single requests are seen beside thousands, and hundreds differ from them. */
export function strength(count: number, most: number): number {
  if (count <= 0) return 0;
  return 0.12 + 0.88 * Math.sqrt(count / Math.max(1, most));
}

/** A part of the heat map by its cells: where somebody began, and the other end, both of them in it. */
export interface Marked {
  readonly column: number;
  readonly row: number;
  readonly toColumn: number;
  readonly toRow: number;
}

const STEPS: { readonly [key: string]: readonly [columns: number, rows: number] } = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** What is marked after an arrow key: the next cell, or with `larger` as much as before and its next row or column. None where the key is no arrow. */
export function marked(
  was: Marked,
  key: string,
  larger: boolean,
  map: Pick<HeatMap, "columns">,
  rows: { first: number; last: number },
): Marked | undefined {
  const step = STEPS[key];
  if (!step) return undefined;
  const toColumn = Math.max(0, Math.min(map.columns - 1, was.toColumn + step[0]));
  const toRow = Math.max(rows.first, Math.min(rows.last, was.toRow + step[1]));
  return larger ? { ...was, toColumn, toRow } : { column: toColumn, row: toRow, toColumn, toRow };
}

/** The region of cells that are marked. */
export function markedRegion(map: Pick<HeatMap, "begin" | "step" | "bounds">, mark: Marked): Region {
  const begin = Date.parse(map.begin);
  const [left, right] = [Math.min(mark.column, mark.toColumn), Math.max(mark.column, mark.toColumn)];
  const [low, high] = [Math.min(mark.row, mark.toRow), Math.max(mark.row, mark.toRow)];
  return {
    from: begin + left * map.step * 1000,
    to: begin + (right + 1) * map.step * 1000,
    low: map.bounds[Math.max(0, low)] ?? 0,
    high: map.bounds[high + 1] ?? 1e9,
  };
}

/** A region as the URL has it, and back. */
export function regionText(region: Region): string {
  return [region.from, region.to, region.low, region.high].map((number) => Number(number.toPrecision(15))).join("~");
}

export function region(text: string): Region | undefined {
  const numbers = text.split("~").map(Number);
  if (numbers.length !== 4 || numbers.some((number) => !Number.isFinite(number))) return undefined;
  const [from, to, low, high] = numbers as [number, number, number, number];
  return from < to && low < high ? { from, to, low, high } : undefined;
}

/** A region as a filter: nanoseconds on both axes. */
export function regionFilter(region: Region): string {
  const time = (at: number) => `${Math.round(at)}000000`;
  const length = (seconds: number) => `${Math.round(seconds * 1e9)}ns`;
  return [
    `time >= ${time(region.from)}`,
    `time < ${time(region.to)}`,
    `duration >= ${length(region.low)}`,
    ...(region.high < 1e6 ? [`duration < ${length(region.high)}`] : []),
  ].join(" and ");
}

/** How many requests lie in a region, by whole cells. */
export function inside(map: HeatMap, region: Region): number {
  const begin = Date.parse(map.begin);
  let sum = 0;
  for (const cell of map.cells) {
    const [column, row, count] = cell as [number, number, number];
    const middle = begin + (column + 0.5) * map.step * 1000;
    const low = map.bounds[row] ?? Infinity;
    if (middle >= region.from && middle < region.to && low >= region.low * 0.9999 && low < region.high) sum += count;
  }
  return sum;
}
