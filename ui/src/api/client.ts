/** Asks the server. The types are those of its OpenAPI document; nothing else is known of it. */
import { shown, want } from "../state/token";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type About = Schemas["About"];
export type Agent = Schemas["Agent"];
export type Blast = Schemas["Blast"];
export type Connection = Schemas["Connection"];
export type Coverage = Schemas["Coverage"];
export type Difference = Schemas["Difference"];
export type Dependency = Schemas["Dependency"];
export type Edge = Schemas["Edge"];
export type Facet = Schemas["Facet"];
export type Figures = Schemas["Figures"];
export type HeatMap = Schemas["HeatMap"];
export type Instance = Schemas["Instance"];
export type Kind = Schemas["Kind"];
export type Node = Schemas["Node"];
export type Operation = Schemas["Operation"];
export type Point = Schemas["Point"];
export type Record_ = Schemas["Record"];
export type Service = Schemas["Service"];
export type Span = Schemas["Span"];
export type Topology = Schemas["Topology"];

export type Trace = Schemas["Trace"];
export type TraceSummary = Schemas["TraceSummary"];

type Answers<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;
export type Readable = { [P in keyof paths]: Answers<P> extends never ? never : P }[keyof paths];
export type Answer<P extends Readable> = Answers<P>;

export type Query = { [name: string]: string | number | undefined };

/** What is asked: a path of the API with its names filled in, and what stands behind the question mark. */
export interface Ask<P extends Readable> {
  readonly path: P;
  readonly names?: { [name: string]: string };
  readonly query?: Query;
}

/** Why there is no answer. `status` is 0 where the server was not reached. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly parameter?: string,
  ) {
    super(detail || title);
  }
}

/** The address of a question. */
export function address<P extends Readable>(ask: Ask<P>): string {
  const path = ask.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ask.names?.[name] ?? ""));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(ask.query ?? {})) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** Asks, and fails with a `Failure`. */
export async function get<P extends Readable>(ask: Ask<P>, signal?: AbortSignal): Promise<Answer<P>> {
  let response: Response;
  try {
    response = await fetch(address(ask), {
      headers: { accept: "application/json", ...shown() },
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, "The server was not reached", String(error));
  }
  if (!response.ok) throw await failure(response);
  return (await response.json()) as Answer<P>;
}

/** Why there is no answer, as the server tells it (RFC 9457). */
export async function failure(response: Response): Promise<Failure> {
  if (response.status === 401) want();
  try {
    const told = (await response.json()) as { title?: string; detail?: string; parameter?: string };
    return new Failure(response.status, told.title ?? response.statusText, told.detail ?? "", told.parameter);
  } catch {
    return new Failure(response.status, response.statusText || `HTTP ${response.status}`, "");
  }
}
