/** Rows as files. */
import type { Record_ } from "../api/client";
import type { Column } from "./fields";

/** A cell of a table of comma-separated values (RFC 4180). What a spreadsheet would take for a formula is kept from being one. */
export function cell(text: string): string {
  const safe = /^[=+@\t\r]|^-[^\d–]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** Rows with the columns that are shown; times and durations as the server tells them, so that programs can read them. */
export function csv(records: readonly Record_[], columns: readonly Column[]): string {
  const value = (record: Record_, column: Column) => {
    if (column.id === "time") return record.time;
    if (column.id === "duration") return String(record.duration);
    if (column.id === "request") return String(record.request.bytes);
    if (column.id === "response") return String(record.response.bytes);
    const text = column.text(record);
    return text === "–" ? "" : text;
  };
  const lines = [columns.map((column) => cell(column.id)).join(",")];
  for (const record of records) lines.push(columns.map((column) => cell(value(record, column))).join(","));
  return `${lines.join("\r\n")}\r\n`;
}
