/** Requests as they come in: server-sent events, read by `fetch` since an `EventSource` cannot show a token. */
import { shown } from "../state/token";
import { failure, Failure, type Record_ } from "./client";

export interface Told {
  readonly requests: Record_[];
  readonly left_out: number;
}

/** The whole events of a text, and the beginning of the next one. */
export function events(text: string): { events: { event: string; data: string }[]; rest: string } {
  const parts = text.replace(/\r\n?/g, "\n").split("\n\n");
  const rest = parts.pop() ?? "";
  const found = parts.flatMap((part) => {
    const lines = part.split("\n");
    const all = (name: string) =>
      lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
    const data = all("data").join("\n");
    return data ? [{ event: all("event")[0] ?? "message", data }] : [];
  });
  return { events: found, rest };
}

/** Tells of requests until `signal` ends it, or the server does; `begun` hears that the server listens. */
export async function follow(
  filter: string,
  signal: AbortSignal,
  tell: (told: Told) => void,
  begun: () => void,
): Promise<void> {
  const response = await fetch(`/api/v1/live${filter ? `?filter=${encodeURIComponent(filter)}` : ""}`, {
    headers: { accept: "text/event-stream", ...shown() },
    signal,
  });
  if (!response.ok || !response.body) throw await failure(response);
  begun();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Failure(0, "The live view was interrupted", "");
    const read = events(rest + value);
    rest = read.rest;
    for (const one of read.events) if (one.event === "requests") tell(JSON.parse(one.data) as Told);
  }
}
