/** Numbers as people read them: three significant digits, always with a unit. */

/** What stands where there is no value: "no data" is not zero. */
export const NONE = "–";

/** Three significant digits without an exponent: 0.123, 1.23, 12.3, 123, 1234. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return trimmed(value.toFixed(1));
  if (size >= 1) return trimmed(value.toFixed(2));
  return trimmed(value.toFixed(size >= 0.1 ? 3 : 4));
}

function trimmed(text: string): string {
  return text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** Seconds: `850 ns`, `42 µs`, `1.42 ms`, `3.1 s`, `4.5 min`, `2 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const size = Math.abs(seconds);
  if (size === 0) return "0 ms";
  if (size < 0.9995e-6) return `${digits(seconds * 1e9)} ns`;
  if (size < 0.9995e-3) return `${digits(seconds * 1e6)} µs`;
  if (size < 0.9995) return `${digits(seconds * 1e3)} ms`;
  if (size < 120) return `${digits(seconds)} s`;
  if (size < 7200) return `${digits(seconds / 60)} min`;
  if (size < 172_800) return `${digits(seconds / 3600)} h`;
  return `${digits(seconds / 86_400)} d`;
}

/** Requests a second. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  if (value > 0 && value < 0.0095) return `${digits(value * 60)} /min`;
  return `${scaled(value)} /s`;
}

/** A part of something, 0 to 1, as percent. */
export function percent(part: number | null | undefined): string {
  if (part === null || part === undefined || !Number.isFinite(part)) return NONE;
  if (part > 0 && part < 0.0001) return "< 0.01 %";
  const value = part * 100;
  return `${value >= 99.95 && value < 100 ? "99.9" : trimmed(value.toFixed(value >= 10 ? 1 : 2))} %`;
}

/** A number of things: 1,234 below a hundred thousand, then 123 k, 1.2 M. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  return value < 100_000 ? grouped(value) : scaled(value);
}

/** A number with all of its digits. */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

function scaled(value: number): string {
  const size = Math.abs(value);
  if (size >= 999.5e6) return `${digits(value / 1e9)} G`;
  if (size >= 999.5e3) return `${digits(value / 1e6)} M`;
  if (size >= 9999.5) return `${digits(value / 1e3)} k`;
  return digits(value);
}

/** Bytes, by powers of 1024. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${digits(size)} ${units[unit]}`;
}

/** How much one figure differs from another: `×2.1`, `+12 %`, `−40 %`; `×∞` from nothing. */
export function change(before: number | null | undefined, after: number | null | undefined): string {
  if (before === null || before === undefined || after === null || after === undefined) return NONE;
  if (before === 0) return after === 0 ? "0 %" : "×∞";
  const ratio = after / before;
  if (ratio >= 2) return `×${digits(ratio)}`;
  const sign = ratio > 1 ? "+" : ratio < 1 ? "−" : "";
  return `${sign}${trimmed(Math.abs((ratio - 1) * 100).toFixed(0))} %`;
}
