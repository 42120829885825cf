/** Fields of requests that the page names: for the filter, the facets and the columns. The server knows more, and takes all of them. */
import type { Record_ } from "../api/client";
import { bytes, duration, NONE } from "./format";
import { clock } from "./time";

/** What a filter is begun with, by the short names of the server's language. */
export const FIELDS: readonly string[] = [
  "service",
  "client",
  "server",
  "protocol",
  "name",
  "status",
  "error",
  "duration",
  "role",
  "host",
  "pid",
  "method",
  "route",
  "path",
  "code",
  "query",
  "statement",
  "db.system.name",
  "db.namespace",
  "db.operation.name",
  "db.collection.name",
  "dns.question.name",
  "server.address",
  "client.address",
  "server.port",
  "request.size",
  "response.size",
  "connection",
  "waiting",
  "trace",
  "network.protocol.version",
  "process.executable.name",
];

/** Facets that are shown, in this order. */
export const FACETS: readonly string[] = [
  "service",
  "protocol",
  "error",
  "name",
  "client",
  "server",
  "code",
  "host",
  "role",
  "db.system.name",
  "query",
  "db.operation.name",
  "db.collection.name",
  "method",
  "network.protocol.version",
  "process.executable.name",
];

export interface Column {
  readonly id: string;
  readonly number?: boolean;
  readonly text: (record: Record_) => string;
  /** By which the server can order. */
  readonly order?: string;
}

const attribute = (name: string): Column => ({
  id: name,
  text: (record) => {
    const value = record.attributes?.[name];
    return value === undefined || value === null ? NONE : String(value);
  },
});

/** Who is at an end: its service, else its address. */
export function end(side: Record_["client"]): string {
  return side.service ?? (side.address ? `${side.address}${side.port ? `:${side.port}` : ""}` : NONE);
}

export const COLUMNS: readonly Column[] = [
  { id: "time", text: (record) => clock(Date.parse(record.time), true), order: "time" },
  { id: "client", text: (record) => end(record.client) },
  { id: "server", text: (record) => end(record.server) },
  { id: "protocol", text: (record) => record.protocol },
  { id: "name", text: (record) => record.name },
  { id: "duration", number: true, text: (record) => duration(record.duration), order: "duration" },
  { id: "status", text: (record) => (record.status === "ok" ? "ok" : (record.error ?? record.status)) },
  { id: "role", text: (record) => record.role },
  { id: "host", text: (record) => record.host ?? NONE },
  { id: "pid", number: true, text: (record) => String(record.process?.pid ?? NONE) },
  { id: "request", number: true, text: (record) => bytes(record.request.bytes), order: "weir.request.size" },
  { id: "response", number: true, text: (record) => bytes(record.response.bytes), order: "weir.response.size" },
  { id: "trace", text: (record) => record.trace ?? NONE },
  { id: "connection", text: (record) => record.connection },
  ...[
    "http.response.status_code",
    "url.path",
    "http.route",
    "db.query.text",
    "db.query.summary",
    "db.namespace",
    "db.collection.name",
    "dns.question.name",
    "server.address",
  ].map(attribute),
];

export const USUAL_COLUMNS: readonly string[] = ["time", "client", "server", "protocol", "name", "duration", "status"];

/** The columns of a URL, in its order. */
export function columns(text: string): Column[] {
  const ids = text ? text.split(",") : USUAL_COLUMNS;
  const found = ids.flatMap((id) => COLUMNS.find((column) => column.id === id) ?? []);
  return found.length > 0 ? found : columns("");
}

/** Short names of the server's language, where a field has one: what people write is what they read. */
const SHORT: { readonly [field: string]: string } = {
  "service.name": "service",
  "host.name": "host",
  "network.protocol.name": "protocol",
  "error.type": "error",
  "process.pid": "pid",
  "url.path": "path",
  "http.route": "route",
  "http.request.method": "method",
  "http.response.status_code": "code",
  "db.query.summary": "query",
  "db.query.text": "statement",
};

export function short(field: string): string {
  return SHORT[field] ?? field;
}
