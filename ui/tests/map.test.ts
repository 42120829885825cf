import { describe, expect, test } from "vitest";
import type { Edge } from "../src/api/client";
import { bend, point } from "../src/lib/edges";
import { arranged, overlap, type Box, type Label } from "../src/lib/labels";
import { acyclic, COLUMN, HIGH, inversions, layout, ROW, spread, WIDE } from "../src/lib/layout";
import {
  around,
  concerns,
  grouping,
  groupOf,
  mapView,
  reach,
  slowness,
  thickness,
  usualGrouping,
} from "../src/lib/map";

const figures = (count: number, errors = 0, p95 = 0.01) => ({
  count,
  rate: count / 900,
  errors,
  error_ratio: count ? errors / count : 0,
  p50: p95 / 2,
  p95,
  p99: p95 * 2,
  total: count * p95,
});
const edge = (client: string, server: string, more: Partial<Edge> = {}): Edge => ({
  client,
  server,
  protocol: "http",
  figures: figures(900),
  crosses_hosts: false,
  crosses_zones: false,
  ...more,
});
const node = (name: string, kind = "service" as const, hosts = ["a"]) => ({ name, kind, protocols: ["http"], hosts });

const shop = [
  { from: "users", to: "nginx" },
  { from: "nginx", to: "shop" },
  { from: "shop", to: "mysql" },
  { from: "shop", to: "redis" },
  { from: "nginx", to: "redis" },
];
const nodes = (ids: string[]) => ids.map((id) => ({ id, store: id === "mysql" || id === "redis" }));

describe("layout", () => {
  const ids = ["users", "nginx", "shop", "mysql", "redis"];

  test("entry points are left, stores right", () => {
    const { places } = layout(nodes(ids), shop);
    const x = (id: string) => places.get(id)!.x;
    expect(x("users")).toBeLessThan(x("nginx"));
    expect(x("nginx")).toBeLessThan(x("shop"));
    expect(x("shop")).toBeLessThan(x("mysql"));
    expect(x("redis")).toBe(x("mysql"));
  });

  test("places follow from names and edges, not from their order", () => {
    const one = layout(nodes(ids), shop);
    const other = layout(nodes([...ids].reverse()), [...shop].reverse());
    for (const id of ids) expect(other.places.get(id)).toEqual(one.places.get(id));
  });

  test("what was there stays where it was when something is added or goes", () => {
    const one = layout(nodes(ids), shop);
    const other = layout(nodes([...ids, "cart"]), [...shop, { from: "nginx", to: "cart" }], one);
    for (const id of ids) expect(other.places.get(id)).toEqual(one.places.get(id));
    const cart = other.places.get("cart")!;
    for (const id of ids) {
      const place = other.places.get(id)!;
      expect(place.x !== cart.x || Math.abs(place.y - cart.y) >= ROW).toBe(true);
    }
    expect(layout(nodes(["nginx", "shop"]), shop, one).places.get("shop")).toEqual(one.places.get("shop"));
  });

  test("circles are laid out, and left out of the order only by one edge", () => {
    const circle = [
      { from: "a", to: "b" },
      { from: "b", to: "c" },
      { from: "c", to: "a" },
    ];
    expect(acyclic(["a", "b", "c"], circle)).toHaveLength(2);
    expect(layout(nodes(["a", "b", "c"]), circle).places.size).toBe(3);
    expect(layout(nodes(["a"]), [{ from: "a", to: "a" }]).places.size).toBe(1);
    expect(layout([], []).places.size).toBe(0);
  });

  test("500 services: nobody lies on another", () => {
    const many = Array.from({ length: 500 }, (_, at) => `service-${String(at).padStart(3, "0")}`);
    let seed = 7;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const edges = Array.from({ length: 2500 }, () => ({
      from: many[Math.floor(random() * 500)]!,
      to: many[Math.floor(random() * 500)]!,
    }));
    const { places } = layout(nodes(many), edges);
    const all = [...places.values()].sort((a, b) => a.x - b.x || a.y - b.y);
    for (let at = 1; at < all.length; at += 1) {
      expect(all[at]!.x !== all[at - 1]!.x || all[at]!.y - all[at - 1]!.y >= ROW - 1).toBe(true);
    }
  });

  test("wishes are kept as near as a row apart lets them", () => {
    expect(spread([0, 1000])).toEqual([0, 1000]);
    const close = spread([100, 100, 100]);
    expect(close[1]! - close[0]!).toBe(ROW);
    expect(close[1]).toBe(100);
  });
});

describe("map", () => {
  test("a grouping that there is not is none", () => {
    expect(["none", "prefix", "host", "kind"].map(grouping)).toEqual(["none", "prefix", "host", "kind"]);
    expect(["", "<b>", "toString", "__proto__"].map(grouping)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("edges of two protocols are one, with their figures together", () => {
    const view = mapView(
      {
        nodes: [node("a"), node("b")],
        edges: [edge("a", "b"), edge("a", "b", { protocol: "redis", figures: figures(100, 10, 0.2) })],
      },
      "none",
      new Set(),
    );
    expect(view.edges).toHaveLength(1);
    expect(view.edges[0]).toMatchObject({
      protocols: ["http", "redis"],
      figures: { count: 1000, errors: 10, p95: 0.2 },
    });
    expect(view.nodes.find((one) => one.id === "b")?.figures.count).toBe(1000);
  });

  test("groups close over their nodes, and open", () => {
    const all = {
      nodes: [node("shop-web"), node("shop-api"), node("cart-api"), node("cart-db"), node("mail")],
      edges: [edge("shop-web", "shop-api"), edge("shop-api", "cart-api"), edge("shop-api", "mail")],
    };
    const closed = mapView(all, "prefix", new Set());
    // One alone is no group.
    expect(closed.nodes.map((one) => one.id).sort()).toEqual(["group:cart", "group:shop", "mail"]);
    expect(closed.edges.map((one) => one.id)).toEqual(["group:shop → group:cart", "group:shop → mail"]);
    const open = mapView(all, "prefix", new Set(["shop"]));
    expect(open.nodes.map((one) => one.id).sort()).toEqual(["group:cart", "mail", "shop-api", "shop-web"]);
    expect(groupOf(node("x", "service", ["h1", "h2"]), "host")).toBe("2 hosts");
  });

  test("many are put together by namespace where that makes them few, and stay so while they are not few themselves", () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => node(`team${at % 5}/service-${at}`));
    expect(usualGrouping(many(60), "none")).toBe("none");
    expect(usualGrouping(many(61), "none")).toBe("prefix");
    expect(usualGrouping(many(40), "prefix")).toBe("prefix");
    expect(usualGrouping(many(30), "prefix")).toBe("none");
    const alike = Array.from({ length: 100 }, (_, at) => node(`service-${at}`));
    expect(usualGrouping(alike, "none")).toBe("none");
    const different = Array.from({ length: 100 }, (_, at) => node(`one${at}`));
    expect(usualGrouping(different, "none")).toBe("none");
  });

  test("reach and neighbourhood", () => {
    const edges = shop;
    expect([...reach(edges, "redis", "up").keys()].sort()).toEqual(["nginx", "redis", "shop", "users"]);
    expect(reach(edges, "users", "down").get("redis")).toBe(2);
    const view = mapView(
      {
        nodes: ["users", "nginx", "shop", "mysql", "redis"].map((name) => node(name)),
        edges: edges.map((one) => edge(one.from, one.to)),
      },
      "none",
      new Set(),
    );
    expect(
      around(view, "shop", 1)
        .nodes.map((one) => one.id)
        .sort(),
    ).toEqual(["mysql", "nginx", "redis", "shop"]);
  });

  test("width and colour grow with rate and latency", () => {
    expect(thickness(0)).toBe(1);
    expect(thickness(1000)).toBeGreaterThan(thickness(10));
    expect([null, 0.0005, 0.005, 0.05, 0.5, 5].map(slowness)).toEqual([0, 0, 1, 2, 3, 4]);
  });

  test("concerns: failing, slower and new edges, the weightiest first", () => {
    const now = [
      edge("a", "b", { figures: figures(900, 90) }),
      edge("b", "c", { figures: figures(900, 0, 0.14) }),
      edge("c", "d"),
      edge("x", "y"),
    ];
    const before = [edge("a", "b"), edge("b", "c", { figures: figures(900, 0, 0.008) }), edge("c", "d")];
    expect(concerns(now, before).map((one) => [one.kind, one.edge.server])).toEqual([
      ["slow", "c"],
      ["errors", "b"],
      ["new", "y"],
    ]);
    expect(concerns([edge("a", "b", { figures: figures(10, 2) })], [])).toEqual([]);
    expect(concerns([edge("a", "b")], undefined)).toEqual([]);
  });
});

test("pairs that stand the wrong way round are counted", () => {
  expect([[], [1], [1, 2, 3], [3, 2, 1], [2, 1, 2, 1], [5, 1, 4, 2]].map((list) => inversions([...list]))).toEqual([
    0, 0, 0, 3, 3, 4,
  ]);
});

describe("large maps", () => {
  // 500 in a circle, each asked by the next five: more layers than there is room for.
  const ids = Array.from({ length: 500 }, (_, at) => `s${String(at).padStart(3, "0")}`);
  const edges = ids.flatMap((to, at) => [1, 2, 3, 4, 5].map((step) => ({ from: ids[(at + step) % 500]!, to })));

  test("have about the form of the place in which they are looked at, and no two nodes overlap", () => {
    const { places, width, height } = layout(nodes(ids), edges);
    expect(width / height).toBeGreaterThan(1.2);
    expect(width / height).toBeLessThan(3.6);
    const columns = new Map<number, number[]>();
    for (const { x, y } of places.values()) columns.set(x, [...(columns.get(x) ?? []), y]);
    const sorted = [...columns.keys()].sort((a, b) => a - b);
    for (let at = 1; at < sorted.length; at += 1) expect(sorted[at]! - sorted[at - 1]!).toBeGreaterThanOrEqual(COLUMN);
    for (const heights of columns.values()) {
      heights.sort((a, b) => a - b);
      for (let at = 1; at < heights.length; at += 1)
        expect(heights[at]! - heights[at - 1]!).toBeGreaterThanOrEqual(ROW);
    }
  });
});

describe("labels", () => {
  const boxOf = (label: Label, at: { x: number; y: number }): Box => ({
    x: at.x - label.wide / 2,
    y: at.y - label.high / 2,
    wide: label.wide,
    high: label.high,
  });

  test("none covers another or a node, on a map of many", () => {
    const teams = Array.from({ length: 24 }, (_, at) => `n${at}`);
    const edges = teams.flatMap((from, at) => [1, 2, 5].map((step) => ({ from, to: teams[(at + step) % 24]! })));
    const { places } = layout(nodes(teams), edges);
    const labels = edges.map(({ from, to }, at): Label => {
      const run = bend(places.get(from)!, places.get(to)!);
      const middles = [0.5, 0.4, 0.6, 0.3, 0.7].map((part) => point(run, part));
      return { id: `${from} ${to}`, wide: 60, high: 34, weight: at % 7, at: middles };
    });
    const taken = teams.map((id): Box => ({ ...places.get(id)!, wide: WIDE, high: HIGH }));
    const found = arranged(labels, taken);
    expect(found.size).toBeGreaterThan(edges.length / 4);
    const boxes = labels.flatMap((label) => (found.has(label.id) ? [boxOf(label, found.get(label.id)!)] : []));
    boxes.forEach((box, at) => {
      for (const other of [...boxes.slice(at + 1), ...taken]) expect(overlap(box, other)).toBe(false);
    });
  });

  test("the least important gives way, and takes the next best place where there is one", () => {
    const at = [{ x: 0, y: 0 }];
    const label = (id: string, weight: number, more: Partial<Label> = {}): Label => {
      return { id, weight, wide: 40, high: 20, at, ...more };
    };
    expect([...arranged([label("low", 1), label("high", 2)], []).keys()]).toEqual(["high"]);
    const second = { x: 100, y: 0 };
    const both = arranged([label("low", 1, { at: [...at, second] }), label("high", 2)], []);
    expect(both.get("low")).toEqual(second);
  });

  test("lines of others are not covered where there is a place beside them", () => {
    const second = { x: 100, y: 0 };
    const label: Label = { id: "a", weight: 1, wide: 40, high: 20, at: [{ x: 0, y: 0 }, second] };
    const piece = { of: "b", x: 0, y: 0, wide: 6, high: 6 };
    expect(arranged([label], [], [piece]).get("a")).toEqual(second);
    expect(arranged([label], [], [{ ...piece, of: "a" }]).get("a")).toEqual({ x: 0, y: 0 });
    expect(arranged([{ ...label, at: [{ x: 0, y: 0 }] }], [], [piece]).size).toBe(1);
  });

  test("what is pointed at is always shown", () => {
    const label: Label = { id: "a", weight: 1, wide: 40, high: 20, at: [{ x: 0, y: 0 }], always: true };
    const taken = [{ x: -50, y: -50, wide: 100, high: 100 }];
    expect(arranged([label], taken).get("a")).toEqual({ x: 0, y: 0 });
    expect(arranged([{ ...label, always: false }], taken).size).toBe(0);
  });
});
