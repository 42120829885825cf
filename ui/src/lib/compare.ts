/** Two times side by side: what became slower, what fails more, what is new, what is gone. */
import type { Figures } from "../api/client";

export interface Item {
  readonly keys: readonly (string | null)[];
  readonly figures: Figures;
}

export interface Change {
  readonly keys: readonly (string | null)[];
  readonly before: Figures | undefined;
  readonly after: Figures | undefined;
  /** Of the whole change of this kind, the part that is of this one: 0 to 1. */
  readonly share: number;
  /** Seconds that its requests took longer, or requests that failed beyond what was usual. */
  readonly extra: number;
}

export interface Changes {
  readonly slower: Change[];
  readonly faster: Change[];
  readonly failing: Change[];
  readonly fresh: Change[];
  readonly gone: Change[];
}

/** Mean durations in seconds, before and after; none where nothing was asked. */
export function means(one: Pick<Change, "before" | "after">): readonly [number | undefined, number | undefined] {
  const of = (figures: Figures | undefined) =>
    figures && figures.count > 0 ? figures.total / figures.count : undefined;
  return [of(one.before), of(one.after)];
}

/** A change of means below this part, or of fewer requests, is chance. */
const LEAST_CHANGE = 0.1;
const LEAST_COUNT = 10;

const key = (item: Pick<Item, "keys">) => item.keys.map((one) => one ?? "\0").join("\n");

function shared(changes: Omit<Change, "share">[]): Change[] {
  const whole = changes.reduce((sum, change) => sum + Math.abs(change.extra), 0);
  return changes
    .map((change) => ({ ...change, share: whole > 0 ? Math.abs(change.extra) / whole : 0 }))
    .sort((a, b) => b.share - a.share || (key(a) < key(b) ? -1 : 1));
}

/**
 * What differs between two times. What became slower is ranked by the time that it costs: how much longer its requests take on average, times how many
 * there are now; what fails by the failures beyond those that its earlier part of failures would have given.
 */
export function changes(before: readonly Item[], after: readonly Item[]): Changes {
  const was = new Map(before.map((item) => [key(item), item]));
  const now = new Map(after.map((item) => [key(item), item]));
  const moved: Omit<Change, "share">[] = [];
  const failing: Omit<Change, "share">[] = [];
  const fresh: Omit<Change, "share">[] = [];
  const gone: Omit<Change, "share">[] = [];
  for (const [id, { keys, figures }] of now) {
    const old = was.get(id)?.figures;
    if (!old || old.count === 0) {
      if (figures.count > 0) fresh.push({ keys, before: undefined, after: figures, extra: figures.total });
      if (figures.errors >= 3) failing.push({ keys, before: undefined, after: figures, extra: figures.errors });
      continue;
    }
    if (figures.count === 0) continue;
    const more = figures.errors - old.error_ratio * figures.count;
    if (more >= 3 && figures.error_ratio > old.error_ratio * 1.2 + 0.001) {
      failing.push({ keys, before: old, after: figures, extra: more });
    }
    const [mean, earlier] = [figures.total / figures.count, old.total / old.count];
    const enough = figures.count >= LEAST_COUNT && old.count >= LEAST_COUNT;
    if (enough && Math.abs(mean - earlier) > earlier * LEAST_CHANGE) {
      moved.push({ keys, before: old, after: figures, extra: (mean - earlier) * figures.count });
    }
  }
  for (const [id, { keys, figures }] of was) {
    if ((now.get(id)?.figures.count ?? 0) === 0 && figures.count > 0) {
      gone.push({ keys, before: figures, after: undefined, extra: figures.total });
    }
  }
  return {
    slower: shared(moved.filter((change) => change.extra > 0)),
    faster: shared(moved.filter((change) => change.extra < 0)),
    failing: shared(failing),
    fresh: shared(fresh),
    gone: shared(gone),
  };
}
