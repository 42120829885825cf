import { describe, expect, test } from "vitest";
import { and, has, parsed, quoted, term, terms, toggled, without } from "../src/lib/filter";
import { inside, marked, markedRegion, region, regionFilter, regionText, rows, strength } from "../src/lib/heat";

describe("filters", () => {
  test("values that are no plain words stand in quotes", () => {
    expect(quoted("shop")).toBe("shop");
    expect(quoted("GET /users/{id}")).toBe('"GET /users/{id}"');
    expect(quoted('a "b" \\c')).toBe('"a \\"b\\" \\\\c"');
    expect(quoted("and")).toBe('"and"');
    expect(quoted("")).toBe('""');
  });

  test("a term without a value asks for those without it", () => {
    expect(term("error", null)).toBe("not error exists");
    expect(term("error", null, "!=")).toBe("error exists");
    expect(term("name", "GET /", "^=")).toBe('name ^= "GET /"');
  });

  test("terms are told apart outside of quotes and parentheses only", () => {
    expect(terms('a = 1 and name = "x and y" and (b = 1 or c = 2)')).toEqual([
      "a = 1",
      'name = "x and y"',
      "(b = 1 or c = 2)",
    ]);
    expect(terms("a = 1 or b = 2")).toBeUndefined();
    expect(terms("order = 1 AND android = 2")).toEqual(["order = 1", "android = 2"]);
    expect(terms('name = "a \\" and b"')).toEqual(['name = "a \\" and b"']);
    expect(terms("")).toEqual([]);
  });

  test("conditions are added once, and dropped", () => {
    expect(and("", "a = 1")).toBe("a = 1");
    expect(and("a = 1", "a = 1", "b = 2")).toBe("a = 1 and b = 2");
    expect(and("a = 1 or b = 2", "c = 3")).toBe("(a = 1 or b = 2) and c = 3");
    expect(without("a = 1 and b = 2", "a = 1")).toBe("b = 2");
    expect(toggled(toggled("a = 1", "b = 2"), "b = 2")).toBe("a = 1");
    expect(has("a = 1 and b = 2", "b = 2")).toBe(true);
    expect(parsed('name ^= "GET /"')).toEqual({ field: "name", operator: "^=", value: "GET /" });
  });
});

describe("heat map", () => {
  const begin = Date.parse("2026-01-01T00:00:00Z");
  const map = {
    begin: "2026-01-01T00:00:00Z",
    step: 10,
    columns: 4,
    bounds: [0.001, 0.002, 0.004, 0.008, 0.016],
    cells: [
      [0, 0, 5],
      [1, 1, 7],
      [1, 2, 1],
      [3, 3, 2],
    ],
    about: {} as never,
  };

  test("a region holds the cells that were drawn over", () => {
    const all = { from: begin, to: begin + 40_000, low: 0.001, high: 0.016 };
    expect(inside(map, all)).toBe(15);
    expect(inside(map, { from: begin + 10_000, to: begin + 20_000, low: 0.002, high: 0.008 })).toBe(8);
    expect(inside(map, { from: begin + 20_000, to: begin + 30_000, low: 0.001, high: 0.016 })).toBe(0);
  });

  test("arrows mark cells, with Shift more of them, and never beyond the map", () => {
    const rows = { first: 3, last: 6 };
    const press = (keys: string) =>
      keys
        .split(" ")
        .reduce((now, key) => marked(now, `Arrow${key.replace("+", "")}`, key.startsWith("+"), map, rows)!, {
          column: 1,
          row: 4,
          toColumn: 1,
          toRow: 4,
        });
    expect(press("Up")).toEqual({ column: 1, row: 5, toColumn: 1, toRow: 5 });
    expect(press("+Up +Up +Up +Up")).toEqual({ column: 1, row: 4, toColumn: 1, toRow: 6 });
    expect(press("Left Left Left")).toEqual({ column: 0, row: 4, toColumn: 0, toRow: 4 });
    expect(press("+Right +Right +Right +Right +Right +Right +Right +Right +Right").toColumn).toBe(map.columns - 1);
    expect(press("+Down +Down")).toEqual({ column: 1, row: 4, toColumn: 1, toRow: 3 });
    expect(marked(press("Up"), "x", false, map, rows)).toBeUndefined();
  });

  test("what is marked is a region of whole cells, whichever way it was marked", () => {
    const one = markedRegion(map, { column: 1, row: 2, toColumn: 0, toRow: 1 });
    expect(one).toEqual(markedRegion(map, { column: 0, row: 1, toColumn: 1, toRow: 2 }));
    expect(one.from).toBe(Date.parse(map.begin));
    expect(one.to).toBe(Date.parse(map.begin) + 2 * map.step * 1000);
    expect([one.low, one.high]).toEqual([map.bounds[1], map.bounds[3]]);
  });

  test("a region goes into the URL and comes back", () => {
    const chosen = { from: begin + 10_000, to: begin + 20_000, low: 0.000123456, high: 0.008 };
    expect(region(regionText(chosen))).toEqual(chosen);
    for (const text of ["", "1~2~3", "2~1~1~2", "1~2~2~1", "a~b~c~d"]) expect(region(text)).toBeUndefined();
  });

  test("a region is a filter in nanoseconds, open above the last row", () => {
    expect(regionFilter({ from: 1000, to: 2000, low: 0.05, high: 0.1 })).toBe(
      "time >= 1000000000 and time < 2000000000 and duration >= 50000000ns and duration < 100000000ns",
    );
    expect(regionFilter({ from: 1000, to: 2000, low: 0.05, high: 1e9 })).not.toContain("duration <");
  });

  test("the scale has the rows with requests, and is never a line", () => {
    expect(rows({ cells: [], bounds: map.bounds })).toEqual({ first: 0, last: 3 });
    expect(rows({ cells: [[0, 20, 1]], bounds: Array.from({ length: 40 }, (_, at) => at) }).last).toBeGreaterThan(22);
    expect(strength(0, 9)).toBe(0);
    expect(strength(1, 1000)).toBeGreaterThan(0.1);
    expect(strength(1000, 1000)).toBe(1);
  });
});
