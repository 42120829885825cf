/**
 * Where the nodes of a map are: in layers, entry points left and stores right (Sugiyama, Tagawa, Toda: Methods for Visual Understanding of
 * Hierarchical System Structures, 1981). Places follow from names and edges only, never from figures, so a map that gets new figures stays
 * put; with the places of an earlier layout at hand, what was there stays there and what is new finds room.
 */

export interface LayoutNode {
  readonly id: string;
  /** It only answers: it belongs to the right. */
  readonly store: boolean;
}

export interface LayoutEdge {
  readonly from: string;
  readonly to: string;
}

export interface Place {
  readonly layer: number;
  x: number;
  y: number;
}

export interface Layout {
  readonly places: Map<string, Place>;
  readonly width: number;
  readonly height: number;
}

/** Distances: from a layer's left to the next one's, and from a node's top to the next one's. */
export const COLUMN = 272;
export const ROW = 60;
/** The size of a node. */
export const [WIDE, HIGH] = [176, 40] as const;
/** With more layers than this, layers go by the distance from entry points; with more than this of those, several become one. */
const MOST_LAYERS = 9;
/** Layers of no more than this are few. */
const FEW = 5;
/** How much wider than high a map is. */
const ASPECT = 1.8;
const SWEEPS = 10;

export function layout(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[], earlier?: Layout): Layout {
  const ids = nodes.map((node) => node.id).sort();
  const known = new Set(ids);
  const real = unique(edges.filter((edge) => edge.from !== edge.to && known.has(edge.from) && known.has(edge.to)));
  const layers = layered(nodes, ids, real);
  if (earlier && ids.some((id) => earlier.places.has(id))) return grown(earlier, ids, real, layers);
  const order = ordered(ids, real, layers);
  return placed(order, real, layers);
}

function unique(edges: readonly LayoutEdge[]): LayoutEdge[] {
  const seen = new Map(edges.map((edge) => [`${edge.from}\n${edge.to}`, edge]));
  return [...seen.keys()].sort().map((key) => seen.get(key) as LayoutEdge);
}

function neighbours(edges: readonly LayoutEdge[], key: "from" | "to"): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const other = key === "from" ? "to" : "from";
  for (const edge of edges) {
    const list = found.get(edge[key]);
    if (list) list.push(edge[other]);
    else found.set(edge[key], [edge[other]]);
  }
  return found;
}

/** Edges without those that close a circle, by a depth-first search that begins where nobody asks. */
export function acyclic(ids: readonly string[], edges: readonly LayoutEdge[]): LayoutEdge[] {
  const out = neighbours(edges, "from");
  const into = neighbours(edges, "to");
  const weight = (id: string) => (out.get(id)?.length ?? 0) - (into.get(id)?.length ?? 0);
  const first = [...ids].sort((a, b) => {
    const roots = Number(into.has(a)) - Number(into.has(b));
    return roots || weight(b) - weight(a) || (a < b ? -1 : 1);
  });
  const state = new Map<string, 1 | 2>();
  const kept: LayoutEdge[] = [];
  for (const root of first) {
    if (state.has(root)) continue;
    const stack: [string, number][] = [[root, 0]];
    state.set(root, 1);
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as [string, number];
      const next = out.get(top[0])?.[top[1]];
      top[1] += 1;
      if (next === undefined) {
        state.set(top[0], 2);
        stack.pop();
      } else if (state.get(next) !== 1) {
        kept.push({ from: top[0], to: next });
        if (!state.has(next)) {
          state.set(next, 1);
          stack.push([next, 0]);
        }
      }
    }
  }
  return kept;
}

function layered(
  nodes: readonly LayoutNode[],
  ids: readonly string[],
  edges: readonly LayoutEdge[],
): Map<string, number> {
  const forward = acyclic(ids, edges);
  const out = neighbours(forward, "from");
  const missing = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const edge of forward) missing.set(edge.to, (missing.get(edge.to) ?? 0) + 1);
  const roots = ids.filter((id) => missing.get(id) === 0);
  // The longest way from an entry point.
  const longest = new Map<string, number>(roots.map((id) => [id, 0]));
  const ready = [...roots];
  for (let at = 0; at < ready.length; at += 1) {
    const id = ready[at] as string;
    for (const next of out.get(id) ?? []) {
      longest.set(next, Math.max(longest.get(next) ?? 0, (longest.get(id) ?? 0) + 1));
      const left = (missing.get(next) ?? 1) - 1;
      missing.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  let found = longest;
  if (Math.max(0, ...longest.values()) >= MOST_LAYERS) {
    found = new Map(roots.map((id) => [id, 0]));
    const queue = [...roots];
    for (let at = 0; at < queue.length; at += 1) {
      const id = queue[at] as string;
      for (const next of out.get(id) ?? []) {
        if (!found.has(next)) {
          found.set(next, (found.get(id) ?? 0) + 1);
          queue.push(next);
        }
      }
    }
    const deepest = Math.max(0, ...found.values());
    if (deepest >= MOST_LAYERS) {
      for (const [id, layer] of found) found.set(id, Math.floor((layer * MOST_LAYERS) / (deepest + 1)));
    }
  }
  // Stores, and whoever else only answers, stand at the right.
  const last = Math.max(0, ...found.values());
  const asks = new Set(edges.map((edge) => edge.from));
  for (const node of nodes) {
    if (node.store && !asks.has(node.id) && edges.length > 0) found.set(node.id, Math.max(last, 1));
  }
  return found;
}

/** The order in each layer: by the mean place of neighbours, back and forth. */
function ordered(ids: readonly string[], edges: readonly LayoutEdge[], layers: Map<string, number>): string[][] {
  const order: string[][] = [];
  const into = neighbours(edges, "to");
  const out = neighbours(edges, "from");
  for (const id of ids) (order[layers.get(id) ?? 0] ??= []).push(id);
  for (let at = 0; at < order.length; at += 1) order[at] ??= [];
  const at = new Map<string, number>();
  const number = () => {
    for (const layer of order) layer.forEach((id, place) => at.set(id, (place + 0.5) / layer.length));
  };
  number();
  let best = order.map((layer) => [...layer]);
  let least = crossings(order, out, layers);
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep += 1) {
    const down = sweep % 2 === 0;
    const turns = down ? order : [...order].reverse();
    for (const layer of turns) {
      const mean = new Map(
        layer.map((id) => {
          const all = [...(into.get(id) ?? []), ...(out.get(id) ?? [])];
          const near = all.filter((other) =>
            down ? (layers.get(other) ?? 0) < (layers.get(id) ?? 0) : (layers.get(other) ?? 0) > (layers.get(id) ?? 0),
          );
          const sum = near.reduce((sum, other) => sum + (at.get(other) ?? 0), 0);
          return [id, near.length > 0 ? sum / near.length : (at.get(id) ?? 0)] as const;
        }),
      );
      layer.sort((a, b) => (mean.get(a) ?? 0) - (mean.get(b) ?? 0) || (a < b ? -1 : 1));
      layer.forEach((id, place) => at.set(id, (place + 0.5) / layer.length));
    }
    const now = crossings(order, out, layers);
    if (now < least) {
      least = now;
      best = order.map((layer) => [...layer]);
    }
  }
  return best;
}

/** Crossings between layers next to one another. */
function crossings(order: string[][], out: Map<string, string[]>, layers: Map<string, number>): number {
  const place = new Map(order.flatMap((layer) => layer.map((id, at) => [id, at] as const)));
  let sum = 0;
  for (let layer = 0; layer + 1 < order.length; layer += 1) {
    const ends = (order[layer] ?? []).flatMap((id) =>
      (out.get(id) ?? [])
        .filter((to) => layers.get(to) === layer + 1)
        .map((to) => place.get(to) ?? 0)
        .sort((a, b) => a - b),
    );
    sum += inversions(ends);
  }
  return sum;
}

/** How many pairs stand the wrong way round; the numbers are sorted on the way. */
export function inversions(numbers: number[]): number {
  if (numbers.length < 2) return 0;
  const middle = numbers.length >> 1;
  const [left, right] = [numbers.slice(0, middle), numbers.slice(middle)];
  let found = inversions(left) + inversions(right);
  let [a, b] = [0, 0];
  for (let at = 0; at < numbers.length; at += 1) {
    if (b >= right.length || (a < left.length && (left[a] ?? 0) <= (right[b] ?? 0))) {
      numbers[at] = left[a] ?? 0;
      a += 1;
    } else {
      numbers[at] = right[b] ?? 0;
      b += 1;
      found += left.length - a;
    }
  }
  return found;
}

function placed(order: string[][], edges: readonly LayoutEdge[], layers: Map<string, number>): Layout {
  const places = new Map<string, Place>();
  // Layers of many take several columns, so that a map of 500 has the form of the place in which it is looked at.
  const all = order.reduce((sum, layer) => sum + layer.length, 0);
  const perColumn = Math.max(12, Math.ceil(Math.sqrt((all * COLUMN) / (ROW * ASPECT))));
  let x = 0;
  for (const layer of order) {
    const columns = Math.ceil(layer.length / perColumn);
    const height = Math.ceil(layer.length / columns);
    layer.forEach((id, at) => {
      const column = Math.floor(at / height);
      const inColumn = Math.min(height, layer.length - column * height);
      const row = at - column * height;
      const y = (row - (inColumn - 1) / 2) * ROW;
      places.set(id, { layer: layers.get(id) ?? 0, x: x + column * COLUMN, y });
    });
    x += columns * COLUMN;
  }
  relax(places, edges);
  // A few have more room between them, for what is told of their edges.
  if (Math.max(0, ...order.map((layer) => layer.length)) <= FEW) for (const place of places.values()) place.y *= 1.6;
  return bounded(places);
}

/** Nodes go to the middle of their neighbours as far as those above and below let them. */
function relax(places: Map<string, Place>, edges: readonly LayoutEdge[]): void {
  const around = new Map<string, string[]>();
  for (const edge of edges) {
    (around.get(edge.from) ?? around.set(edge.from, []).get(edge.from))?.push(edge.to);
    (around.get(edge.to) ?? around.set(edge.to, []).get(edge.to))?.push(edge.from);
  }
  const columns = new Map<number, string[]>();
  for (const [id, place] of places) (columns.get(place.x) ?? columns.set(place.x, []).get(place.x))?.push(id);
  for (const column of columns.values()) column.sort((a, b) => (places.get(a)?.y ?? 0) - (places.get(b)?.y ?? 0));
  for (let pass = 0; pass < 6; pass += 1) {
    for (const column of columns.values()) {
      const wish = column.map((id) => {
        const near = (around.get(id) ?? []).map((other) => places.get(other)?.y ?? 0).sort((a, b) => a - b);
        if (near.length === 0) return places.get(id)?.y ?? 0;
        const middle = near.length >> 1;
        return near.length % 2 === 1 ? (near[middle] ?? 0) : ((near[middle - 1] ?? 0) + (near[middle] ?? 0)) / 2;
      });
      spread(wish).forEach((y, at) => {
        const place = places.get(column[at] ?? "");
        if (place) place.y = y;
      });
    }
  }
}

/** The places nearest to those that are wished for, in order and at least a row apart: blocks that touch move as one. */
export function spread(wish: readonly number[]): number[] {
  const blocks: { sum: number; count: number; first: number }[] = [];
  wish.forEach((y, at) => {
    blocks.push({ sum: y - at * ROW, count: 1, first: at });
    for (;;) {
      const [below, above] = [blocks[blocks.length - 1], blocks[blocks.length - 2]];
      if (!below || !above || above.sum / above.count <= below.sum / below.count) break;
      above.sum += below.sum;
      above.count += below.count;
      blocks.pop();
    }
  });
  return blocks.flatMap((block) =>
    Array.from({ length: block.count }, (_, at) => Math.round(block.sum / block.count) + (block.first + at) * ROW),
  );
}

/** An earlier layout with what is new: nothing that was there moves. */
function grown(
  earlier: Layout,
  ids: readonly string[],
  edges: readonly LayoutEdge[],
  layers: Map<string, number>,
): Layout {
  const places = new Map<string, Place>();
  for (const id of ids) {
    const was = earlier.places.get(id);
    if (was) places.set(id, { ...was });
  }
  for (const id of ids) {
    if (places.has(id)) continue;
    const near = edges.flatMap((edge) => (edge.from === id ? [edge.to] : edge.to === id ? [edge.from] : []));
    const heights = near.flatMap((other) => places.get(other)?.y ?? []);
    const wish = heights.length > 0 ? heights.reduce((sum, y) => sum + y, 0) / heights.length : earlier.height / 2;
    const callers = edges.filter((edge) => edge.to === id).flatMap((edge) => places.get(edge.from)?.x ?? []);
    const callees = edges.filter((edge) => edge.from === id).flatMap((edge) => places.get(edge.to)?.x ?? []);
    const x =
      callers.length > 0 ? Math.max(...callers) + COLUMN : callees.length > 0 ? Math.min(...callees) - COLUMN : 0;
    const taken = [...places.values()].filter((place) => Math.abs(place.x - x) < COLUMN).map((place) => place.y);
    places.set(id, { layer: layers.get(id) ?? 0, x, y: free(taken, wish) });
  }
  return bounded(places, false);
}

function free(taken: readonly number[], wish: number): number {
  for (let step = 0; step <= taken.length * 2 + 2; step += 1) {
    const y = wish + (step % 2 === 0 ? 1 : -1) * Math.ceil(step / 2) * (ROW / 2);
    if (taken.every((other) => Math.abs(other - y) >= ROW)) return y;
  }
  return Math.max(wish, ...taken) + ROW;
}

function bounded(places: Map<string, Place>, toOrigin = true): Layout {
  const all = [...places.values()];
  const left = Math.min(0, ...all.map((place) => place.x));
  const top = toOrigin && all.length > 0 ? Math.min(...all.map((place) => place.y)) : 0;
  if (toOrigin) for (const place of all) place.y -= top;
  return {
    places,
    width: Math.max(COLUMN, ...all.map((place) => place.x + COLUMN)) - left,
    height: Math.max(ROW, ...all.map((place) => place.y + ROW)),
  };
}
