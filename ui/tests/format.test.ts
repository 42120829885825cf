import { describe, expect, test } from "vitest";
import { bytes, change, count, digits, duration, percent, rate } from "../src/lib/format";

describe("numbers have three significant digits and a unit", () => {
  test.each([
    [0, "0 ms"],
    [8.5e-7, "850 ns"],
    [4.2e-5, "42 µs"],
    [0.00142, "1.42 ms"],
    [0.0999996, "100 ms"],
    [0.9996, "1 s"],
    [3.14159, "3.14 s"],
    [150, "2.5 min"],
    [7200, "2 h"],
    [null, "–"],
    [undefined, "–"],
    [Number.NaN, "–"],
  ])("duration %s", (seconds, text) => expect(duration(seconds)).toBe(text));

  test.each([
    [0, "0 /s"],
    [0.0033, "0.198 /min"],
    [0.5, "0.5 /s"],
    [310.4, "310 /s"],
    [12_345, "12.3 k /s"],
    [2.5e6, "2.5 M /s"],
  ])("rate %s", (value, text) => expect(rate(value)).toBe(text));

  test.each([
    [0, "0 %"],
    [0.00002, "< 0.01 %"],
    [0.0213, "2.13 %"],
    [0.5, "50 %"],
    [0.9999, "99.9 %"],
    [1, "100 %"],
    [null, "–"],
  ])("percent %s", (part, text) => expect(percent(part)).toBe(text));

  test("what is not all is never shown as all", () => expect(percent(0.99999)).not.toBe("100 %"));

  test.each([
    [0, "0"],
    [1234, "1,234"],
    [99_999, "99,999"],
    [123_456, "123 k"],
    [10_000_000, "10 M"],
    [null, "–"],
  ])("count %s", (value, text) => expect(count(value)).toBe(text));

  test.each([
    [0, "0 B"],
    [1023, "0.999 KiB"],
    [5 * 1024 * 1024, "5 MiB"],
  ])("bytes %s", (value, text) => expect(bytes(value)).toBe(text));

  test.each([
    [1, 2.5, "×2.5"],
    [1, 1.12, "+12 %"],
    [10, 6, "−40 %"],
    [0, 3, "×∞"],
    [null, 3, "–"],
  ])("change from %s to %s", (before, after, text) => expect(change(before, after)).toBe(text));

  test("digits", () =>
    expect([0.1234, 0.01234, 1.2, 99.96, 1234.5].map(digits)).toEqual(["0.123", "0.0123", "1.2", "100", "1235"]));
});
