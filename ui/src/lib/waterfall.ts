/** A trace's spans as rows of a waterfall. */
import type { Span, Trace } from "../api/client";

export interface Row {
  readonly span: Span | undefined;
  /** Time of a parent in which nothing that it brought about was under way, after some of it had been: shown under the parent. */
  readonly gap: { readonly from: number; readonly length: number; readonly of: Span } | undefined;
  readonly depth: number;
  /** How many spans lie below. */
  readonly below: number;
  readonly folded: boolean;
}

/** A gap is told of from this part of the trace on. */
const LEAST_GAP = 0.08;

/** Rows in the order of the trace, without those below folded spans, with the greatest gaps in between. */
export function rows(trace: Pick<Trace, "spans" | "duration">, folded: ReadonlySet<string>): Row[] {
  const children = new Map<string, Span[]>();
  for (const span of trace.spans) {
    if (!span.parent) continue;
    const list = children.get(span.parent);
    if (list) list.push(span);
    else children.set(span.parent, [span]);
  }
  const below = new Map<string, number>();
  for (let at = trace.spans.length - 1; at >= 0; at -= 1) {
    const span = trace.spans[at] as Span;
    const own = below.get(span.id) ?? 0;
    below.set(span.id, own);
    if (span.parent) below.set(span.parent, (below.get(span.parent) ?? 0) + own + 1);
  }
  const found: Row[] = [];
  let hiddenBelow = Infinity;
  for (const span of trace.spans) {
    if (span.depth > hiddenBelow) continue;
    const isFolded = folded.has(span.id);
    hiddenBelow = isFolded ? span.depth : Infinity;
    found.push({ span, gap: undefined, depth: span.depth, below: below.get(span.id) ?? 0, folded: isFolded });
    const gap = isFolded ? undefined : largestGap(span, children.get(span.id) ?? []);
    if (gap && gap.length >= trace.duration * LEAST_GAP) {
      found.push({ span: undefined, gap: { ...gap, of: span }, depth: span.depth + 1, below: 0, folded: false });
    }
  }
  return found;
}

/** The longest time in which a span waited for nothing that is known: none for a span that brought nothing about. */
export function largestGap(span: Span, children: readonly Span[]): { from: number; length: number } | undefined {
  if (children.length === 0) return undefined;
  const sorted = [...children].sort((a, b) => a.offset - b.offset);
  const end = span.offset + span.duration;
  let covered = span.offset;
  let best = { from: 0, length: 0 };
  for (const child of [...sorted, { offset: end, duration: 0 }]) {
    const length = Math.min(child.offset, end) - covered;
    if (length > best.length) best = { from: covered, length };
    covered = Math.max(covered, child.offset + child.duration);
  }
  return best.length > 0 ? best : undefined;
}

/** Who asked whom in a trace: its own small map. */
export function traceEdges(
  spans: readonly Span[],
): { from: string; to: string; count: number; errors: number; time: number }[] {
  const by = new Map(spans.map((span) => [span.id, span]));
  const found = new Map<string, { from: string; to: string; count: number; errors: number; time: number }>();
  for (const span of spans) {
    let parent = span.parent ? by.get(span.parent) : undefined;
    while (parent && (parent.service ?? "") === (span.service ?? ""))
      parent = parent.parent ? by.get(parent.parent) : undefined;
    const [from, to] = [parent?.service, span.service];
    if (!from || !to) continue;
    const key = `${from}\n${to}`;
    const was = found.get(key) ?? { from, to, count: 0, errors: 0, time: 0 };
    found.set(key, {
      ...was,
      count: was.count + 1,
      errors: was.errors + (span.error ? 1 : 0),
      time: was.time + span.duration,
    });
  }
  return [...found.values()];
}

/** Round places on an axis that is `length` seconds long, about `wanted` of them. */
export function ticks(length: number, wanted: number): number[] {
  if (!(length > 0)) return [0];
  const raw = length / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw) ?? raw;
  const found: number[] = [];
  for (let at = 0; at * step <= length * 1.0001; at += 1) found.push(at * step);
  return found;
}
