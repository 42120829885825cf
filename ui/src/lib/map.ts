/** From who asks whom to what a map shows. */
import type { Edge, Figures, Kind, Node, Topology } from "../api/client";

export interface MapNode {
  readonly id: string;
  readonly label: string;
  readonly kind: Kind;
  readonly hosts: readonly string[];
  readonly protocols: readonly string[];
  /** What it is asked, by all of its callers together. */
  readonly figures: Sum;
  /** The nodes in it, if it is a group. */
  readonly members: readonly string[];
  readonly store: boolean;
}

export interface MapEdge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly protocols: readonly string[];
  readonly figures: Sum;
  readonly crosses: boolean;
}

/** Figures that add up. Of percentiles the greatest is kept: a sum of edges is at least as slow as its slowest. */
export interface Sum {
  readonly count: number;
  readonly rate: number;
  readonly errors: number;
  readonly ratio: number;
  readonly p95: number | null;
}

export interface MapView {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
}

const GROUPINGS = ["none", "host", "kind", "prefix"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** A grouping as the URL has it; none where it says nothing that is one. */
export function grouping(text: string): Grouping | undefined {
  return GROUPINGS.find((one) => one === text);
}

const NOTHING: Sum = { count: 0, rate: 0, errors: 0, ratio: 0, p95: null };
const STORES: ReadonlySet<Kind> = new Set(["database", "cache", "dns", "external"]);

export function plus(a: Sum, b: Sum): Sum {
  const [count, errors] = [a.count + b.count, a.errors + b.errors];
  const p95 = a.p95 === null ? b.p95 : b.p95 === null ? a.p95 : Math.max(a.p95, b.p95);
  return { count, errors, rate: a.rate + b.rate, ratio: count > 0 ? errors / count : 0, p95 };
}

export function sum(figures: Figures): Sum {
  return {
    count: figures.count,
    rate: figures.rate,
    errors: figures.errors,
    ratio: figures.error_ratio,
    p95: figures.p95 ?? null,
  };
}

/** In what a node is put: the group's name, none where nodes are shown one by one. */
export function groupOf(node: Pick<Node, "name" | "kind" | "hosts">, by: Grouping): string {
  switch (by) {
    case "none":
      return "";
    case "host":
      return node.hosts.length === 0
        ? "–"
        : node.hosts.length > 1
          ? `${node.hosts.length} hosts`
          : (node.hosts[0] ?? "");
    case "kind":
      return node.kind;
    case "prefix": {
      const found = /^(.+?)[/.]/.exec(node.name) ?? /^(.+?)[-_]/.exec(node.name);
      return found?.[1] ?? node.name;
    }
  }
}

/** More nodes than this are put together by namespace unless somebody chose; as long as they are more than half of that, it stays so. */
const MANY = 60;

/** How nodes are put together where nobody chose: by namespace where they are many and that makes them few. */
export function usualGrouping(nodes: readonly Pick<Node, "name" | "kind" | "hosts">[], was: Grouping): Grouping {
  if (nodes.length <= (was === "prefix" ? MANY / 2 : MANY)) return "none";
  const groups = new Set(nodes.map((node) => groupOf(node, "prefix")));
  return groups.size > 1 && groups.size <= nodes.length / 3 ? "prefix" : "none";
}

export const edgeId = (from: string, to: string) => `${from} → ${to}`;

/** Nodes and edges, one edge a pair, nodes put together in groups that are not open. */
export function mapView(topology: Pick<Topology, "nodes" | "edges">, by: Grouping, open: ReadonlySet<string>): MapView {
  const into = new Map<string, string>();
  const members = new Map<string, Node[]>();
  const sizes = new Map<string, number>();
  for (const node of topology.nodes) {
    const group = groupOf(node, by);
    sizes.set(group, (sizes.get(group) ?? 0) + 1);
  }
  for (const node of topology.nodes) {
    const group = groupOf(node, by);
    // One alone is no group.
    const single = group === "" || sizes.get(group) === 1 || open.has(group);
    const id = single ? node.name : `group:${group}`;
    into.set(node.name, id);
    const list = members.get(id);
    if (list) list.push(node);
    else members.set(id, [node]);
  }
  const edges = new Map<string, MapEdge>();
  for (const edge of topology.edges) {
    const [from, to] = [into.get(edge.client) ?? edge.client, into.get(edge.server) ?? edge.server];
    if (from === to && from.startsWith("group:")) continue;
    const id = edgeId(from, to);
    const was = edges.get(id);
    const protocols = was ? [...new Set([...was.protocols, edge.protocol])].sort() : [edge.protocol];
    const figures = plus(was?.figures ?? NOTHING, sum(edge.figures));
    edges.set(id, { id, from, to, protocols, figures, crosses: (was?.crosses ?? false) || edge.crosses_hosts });
  }
  const asked = new Map<string, Sum>();
  for (const edge of edges.values()) asked.set(edge.to, plus(asked.get(edge.to) ?? NOTHING, edge.figures));
  const nodes = [...members].map(([id, all]): MapNode => {
    const first = all[0] as Node;
    const grouped = id.startsWith("group:");
    const kinds = new Set(all.map((node) => node.kind));
    const kind = kinds.size === 1 ? first.kind : "service";
    return {
      id,
      label: grouped ? `${id.slice(6)} (${all.length})` : first.name,
      kind,
      hosts: [...new Set(all.flatMap((node) => node.hosts))],
      protocols: [...new Set(all.flatMap((node) => node.protocols))],
      figures: asked.get(id) ?? NOTHING,
      members: grouped ? all.map((node) => node.name) : [],
      store: STORES.has(kind),
    };
  });
  return { nodes, edges: [...edges.values()] };
}

/** Who is reached from some nodes along edges: callers (`up`) or callees (`down`), each with its distance. */
export function reach(edges: readonly Pick<MapEdge, "from" | "to">[], from: string, way: "up" | "down", most = 99) {
  const found = new Map<string, number>([[from, 0]]);
  const next = new Map<string, string[]>();
  for (const edge of edges) {
    const [near, far] = way === "up" ? [edge.to, edge.from] : [edge.from, edge.to];
    const list = next.get(near);
    if (list) list.push(far);
    else next.set(near, [far]);
  }
  const queue = [from];
  for (let at = 0; at < queue.length; at += 1) {
    const id = queue[at] as string;
    const distance = found.get(id) ?? 0;
    if (distance >= most) continue;
    for (const other of next.get(id) ?? []) {
      if (found.has(other)) continue;
      found.set(other, distance + 1);
      queue.push(other);
    }
  }
  return found;
}

/** The part of a map around a node. */
export function around(view: MapView, id: string, hops: number): MapView {
  const near = new Set([...reach(view.edges, id, "up", hops).keys(), ...reach(view.edges, id, "down", hops).keys()]);
  return {
    nodes: view.nodes.filter((node) => near.has(node.id)),
    edges: view.edges.filter((edge) => near.has(edge.from) && near.has(edge.to)),
  };
}

/** How wide an edge is drawn: by the rate's logarithm. */
export function thickness(rate: number): number {
  return Math.max(1, Math.min(7, 1 + Math.log10(1 + rate) * 1.7));
}

/** Which step of the ramp a latency is, 0 to 4: a millisecond, ten, a hundred, a second, more. */
export function slowness(seconds: number | null): number {
  if (seconds === null) return 0;
  return Math.max(0, Math.min(4, Math.floor(Math.log10(Math.max(seconds, 1e-9) * 1e3)) + 1));
}

export interface Concern {
  readonly kind: "errors" | "slow" | "new";
  readonly edge: Edge;
  readonly was: Figures | undefined;
  /** How much it matters: requests that suffer, by how much. */
  readonly weight: number;
}

/** What needs attention: edges that fail, edges that became slower than in the time before, and edges that were not there. */
export function concerns(now: readonly Edge[], earlier: readonly Edge[] | undefined): Concern[] {
  const key = (edge: Edge) => `${edge.client}\n${edge.server}\n${edge.protocol}`;
  const before = new Map((earlier ?? []).map((edge) => [key(edge), edge.figures]));
  const found: Concern[] = [];
  for (const edge of now) {
    const { figures } = edge;
    const was = before.get(key(edge));
    if (figures.errors >= 3 && figures.error_ratio >= 0.01) {
      const worse = Math.max(0, figures.error_ratio - (was?.error_ratio ?? 0) / 2);
      found.push({ kind: "errors", edge, was, weight: figures.count * worse * 10 });
      continue;
    }
    const [p95, old] = [figures.p95 ?? 0, was?.p95 ?? 0];
    if (was && was.count >= 20 && figures.count >= 20 && p95 > old * 1.5 && p95 - old > 0.002) {
      found.push({ kind: "slow", edge, was, weight: figures.count * Math.log2(p95 / Math.max(old, 1e-6)) });
    } else if (earlier && earlier.length > 0 && !was && figures.count >= 20) {
      found.push({ kind: "new", edge, was, weight: Math.log2(figures.count) / 100 });
    }
  }
  return found.sort((a, b) => b.weight - a.weight);
}
