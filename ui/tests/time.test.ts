import { describe, expect, test } from "vitest";
import {
  before,
  chosenRefresh,
  iso,
  isRelative,
  moment,
  range,
  shifted,
  span,
  USUAL,
  usualRefresh,
} from "../src/lib/time";
import { lines, since, spark } from "../src/lib/series";

const NOW = Date.parse("2026-11-20T08:00:00Z");

describe("ranges", () => {
  test("moments", () => {
    expect(moment("now", NOW)).toBe(NOW);
    expect(moment("-15m", NOW)).toBe(NOW - 900_000);
    expect(moment("2026-11-20T07:00:00Z", NOW)).toBe(NOW - 3_600_000);
    for (const text of ["yesterday", "-", "-5", "-1y", ""]) expect(moment(text, NOW)).toBeUndefined();
  });

  test("the longer a range, the less often it is asked for again", () => {
    const every = (from: string) => usualRefresh({ from, to: "now" }, NOW);
    expect([
      every("-1m"),
      every("-15m"),
      every("-1h"),
      every("-3h"),
      every("-6h"),
      every("-1d"),
      every("-30d"),
    ]).toEqual([10, 10, 10, 30, 60, 240, 300]);
  });

  test("what cannot be read is the usual range", () => {
    expect(range(null, null)).toEqual(USUAL);
    expect(range("x", "now")).toEqual(USUAL);
    expect(range("2026-11-20T08:00:00Z", "2026-11-20T07:00:00Z")).toEqual(USUAL);
    expect(range("2026-11-20T07:00:00Z", "2026-11-20T08:00:00Z").from).toBe("2026-11-20T07:00:00Z");
    expect(range("2026-11-20T07:00:00Z", "now").to).toBe("now");
    expect(range("-2d", null)).toEqual({ from: "-2d", to: "now" });
  });

  test("beyond all dates there is no time", () => {
    expect(moment("-999999999d", NOW)).toBeUndefined();
    expect(range("-999999999d", "now")).toEqual(USUAL);
    expect(() => iso(moment("-9000000d", NOW) ?? 0)).not.toThrow();
  });

  test("a refresh that was chosen is one that a timer knows", () => {
    expect(["", "off", "x", "NaN", "0", "0.5", "-3"].map(chosenRefresh)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(["1", "30"].map(chosenRefresh)).toEqual([1, 30]);
    // A timer takes what is more than this for nothing at all, and would ask without end.
    for (const text of ["2147484", "99999999999", "Infinity"]) expect(chosenRefresh(text) * 1000).toBeLessThan(2 ** 31);
  });

  test("the time before is as long and relative where this one is", () => {
    expect(before({ from: "-15m", to: "now" }, NOW)).toEqual({ from: "-30m", to: "-15m" });
    const given = { from: iso(NOW - 60_000), to: iso(NOW) };
    expect(before(given, NOW)).toEqual({ from: iso(NOW - 120_000), to: iso(NOW - 60_000) });
  });

  test("earlier and later; later ends at now", () => {
    const earlier = shifted({ from: "-15m", to: "now" }, -1, NOW);
    expect(earlier).toEqual({ from: iso(NOW - 1_800_000), to: iso(NOW - 900_000) });
    expect(span(earlier, NOW)).toBe(900_000);
    expect(shifted(earlier, 1, NOW).to).toBe(iso(NOW));
    expect(isRelative(shifted({ from: "-15m", to: "now" }, 1, NOW))).toBe(true);
  });
});

describe("series", () => {
  const figures = (rate: number, p95: number) => ({
    count: rate * 10,
    rate,
    errors: 0,
    error_ratio: 0,
    p50: p95,
    p95,
    p99: p95,
    total: 1,
  });
  const at = (seconds: number) => iso(seconds * 1000);

  test("no requests are a rate of zero and no latency; before anything was seen there is nothing", () => {
    const drawn = lines(
      [
        { time: at(1010), figures: figures(5, 0.1) },
        { time: at(1030), figures: figures(7, 0.2) },
      ],
      1000,
      1050,
      10,
    );
    expect(drawn.times).toEqual([1000, 1010, 1020, 1030, 1040]);
    expect(drawn.rate).toEqual([null, 5, 0, 7, 0]);
    expect(drawn.p95).toEqual([null, 0.1, null, 0.2, null]);
    expect(lines([], 1000, 1050, 10).rate).toEqual([null, null, null, null, null]);
  });

  test("a line has gaps where there is no value", () => {
    expect(spark([1, 2, null, 2], 30, 10).match(/M/g)).toHaveLength(2);
    expect(spark([], 30, 10)).toBe("");
  });

  test("since when", () => {
    const times = Array.from({ length: 20 }, (_, at) => at);
    expect(
      since(
        times,
        times.map((at) => (at < 12 ? 8 : 140)),
      ),
    ).toBe(12);
    expect(
      since(
        times,
        times.map((at) => (at === 15 ? 9 : at < 12 ? 8 : 140)),
      ),
    ).toBe(12);
    expect(
      since(
        times,
        times.map(() => 8),
      ),
    ).toBeUndefined();
    expect(since([1, 2], [1, 100])).toBeUndefined();
  });
});
