import { describe, expect, test } from "vitest";
import type { Record_, Span } from "../src/api/client";
import { distinct, setApart } from "../src/lib/apart";
import { changes, means } from "../src/lib/compare";
import { cell, csv } from "../src/lib/export";
import { columns, USUAL_COLUMNS } from "../src/lib/fields";
import { agentFacts } from "../src/lib/hosts";
import { rowsInSight } from "../src/lib/rowsInSight";
import { largestGap, rows, ticks, traceEdges } from "../src/lib/waterfall";

const figures = (count: number, mean: number, errors = 0) => ({
  count,
  rate: count / 60,
  errors,
  error_ratio: count ? errors / count : 0,
  p50: mean,
  p95: mean,
  p99: mean,
  total: count * mean,
});

describe("compare", () => {
  test("slower ones are ranked by the time that they cost", () => {
    const found = changes(
      [
        { keys: ["often"], figures: figures(1000, 0.01) },
        { keys: ["seldom"], figures: figures(20, 0.01) },
        { keys: ["same"], figures: figures(500, 0.5) },
      ],
      [
        { keys: ["often"], figures: figures(1000, 0.02) },
        { keys: ["seldom"], figures: figures(20, 0.1) },
        { keys: ["same"], figures: figures(500, 0.505) },
      ],
    );
    expect(found.slower.map((one) => one.keys[0])).toEqual(["often", "seldom"]);
    expect(found.slower[0]!.share).toBeCloseTo(10 / 11.8, 5);
    expect(found.slower.reduce((sum, one) => sum + one.share, 0)).toBeCloseTo(1, 9);
  });

  test("failing, new and gone ones", () => {
    const found = changes(
      [
        { keys: ["a"], figures: figures(100, 0.01, 1) },
        { keys: ["old"], figures: figures(5, 1) },
      ],
      [
        { keys: ["a"], figures: figures(200, 0.01, 42) },
        { keys: ["new"], figures: figures(9, 1) },
      ],
    );
    expect(found.failing[0]).toMatchObject({ keys: ["a"], extra: 40, share: 1 });
    expect(found.fresh.map((one) => one.keys[0])).toEqual(["new"]);
    expect(found.gone.map((one) => one.keys[0])).toEqual(["old"]);
    expect(found.slower).toEqual([]);
  });

  test("faster ones are ranked by what they save, apart from slower ones, and each list's shares are a whole", () => {
    const found = changes(
      [
        { keys: ["a"], figures: figures(100, 0.1) },
        { keys: ["b"], figures: figures(100, 0.1) },
        { keys: ["c"], figures: figures(100, 0.1) },
      ],
      [
        { keys: ["a"], figures: figures(100, 0.05) },
        { keys: ["b"], figures: figures(300, 0.05) },
        { keys: ["c"], figures: figures(100, 0.2) },
      ],
    );
    expect(found.faster.map((one) => one.keys[0])).toEqual(["b", "a"]);
    expect(found.faster.map((one) => one.share)).toEqual([expect.closeTo(0.75, 9), expect.closeTo(0.25, 9)]);
    expect(found.slower.map((one) => [one.keys[0], one.share])).toEqual([["c", 1]]);
  });

  test("what is new may fail from the start, and that is told as well", () => {
    const found = changes([], [{ keys: ["new"], figures: figures(10, 0.01, 5) }]);
    expect(found.fresh).toHaveLength(1);
    expect(found.failing[0]).toMatchObject({ keys: ["new"], before: undefined, extra: 5 });
  });

  test("a key that is missing is another one than an empty one", () => {
    const found = changes(
      [{ keys: ["a", null], figures: figures(20, 1) }],
      [{ keys: ["a", ""], figures: figures(20, 1) }],
    );
    expect([found.fresh.length, found.gone.length]).toEqual([1, 1]);
  });

  test("what had no requests before is new, and what has none now is gone, even where it is told of", () => {
    const found = changes(
      [
        { keys: ["a"], figures: figures(0, 0) },
        { keys: ["b"], figures: figures(9, 1) },
      ],
      [
        { keys: ["a"], figures: figures(9, 1) },
        { keys: ["b"], figures: figures(0, 0) },
      ],
    );
    expect([found.fresh[0]?.keys[0], found.gone[0]?.keys[0]]).toEqual(["a", "b"]);
    expect([found.slower, found.faster, found.failing]).toEqual([[], [], []]);
  });

  test("more failures by more requests alone are no change", () => {
    const found = changes(
      [{ keys: ["a"], figures: figures(100, 1, 10) }],
      [{ keys: ["a"], figures: figures(1000, 1, 100) }],
    );
    expect(found.failing).toEqual([]);
  });

  test("means are of all time by all requests, and none where nothing was asked", () => {
    expect(means({ before: figures(10, 0.5), after: figures(0, 0) })).toEqual([0.5, undefined]);
    expect(means({ before: undefined, after: figures(4, 2) })).toEqual([undefined, 2]);
  });

  test("a few requests more or less are chance", () => {
    const found = changes([{ keys: ["a"], figures: figures(3, 0.01) }], [{ keys: ["a"], figures: figures(3, 0.9, 1) }]);
    expect([found.slower, found.failing]).toEqual([[], []]);
  });
});

const span = (
  id: string,
  parent: string | null,
  offset: number,
  duration: number,
  depth: number,
  service = id,
): Span => ({
  id,
  parent,
  offset,
  duration,
  depth,
  service,
  name: id,
  time: "2026-01-01T00:00:00Z",
  critical: 0,
  own: 0,
  source: "weir",
});

describe("waterfall", () => {
  const spans = [
    span("root", null, 0, 10, 0),
    span("a", "root", 1, 2, 1),
    span("a1", "a", 1.5, 1, 2),
    span("b", "root", 8, 1, 1),
  ];

  test("the longest time that nothing accounts for", () => {
    expect(largestGap(spans[0]!, [spans[1]!, spans[3]!])).toEqual({ from: 3, length: 5 });
    expect(largestGap(spans[3]!, [])).toBeUndefined();
    expect(largestGap(span("x", null, 0, 4, 0), [span("y", "x", 0, 9, 1)])).toBeUndefined();
  });

  test("rows are told in order, folded ones without those below, gaps under their span", () => {
    const all = rows({ spans, duration: 10 }, new Set());
    expect(all.map((row) => row.span?.id ?? "gap")).toEqual(["root", "gap", "a", "a1", "b"]);
    expect(all[0]!.below).toBe(3);
    const folded = rows({ spans, duration: 10 }, new Set(["a"]));
    expect(folded.map((row) => row.span?.id ?? "gap")).toEqual(["root", "gap", "a", "b"]);
    expect(rows({ spans, duration: 10 }, new Set(["root"]))).toHaveLength(1);
  });

  test("five thousand spans are rows, in their order", () => {
    const many = [
      span("root", null, 0, 10, 0),
      ...Array.from({ length: 5000 }, (_, at) => span(`s${at}`, "root", at / 1000, 0.001, 1)),
    ];
    const told = rows({ spans: many, duration: 10 }, new Set()).flatMap((row) => row.span?.id ?? []);
    expect(told).toEqual(many.map((one) => one.id));
  });

  test("edges are between services, not between a service and itself", () => {
    const chain = [
      span("1", null, 0, 9, 0, "nginx"),
      span("2", "1", 1, 8, 1, "nginx"),
      span("3", "2", 1, 8, 2, "shop"),
    ];
    expect(traceEdges(chain)).toEqual([{ from: "nginx", to: "shop", count: 1, errors: 0, time: 8 }]);
  });

  test("ticks", () => {
    expect(ticks(10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticks(0, 5)).toEqual([0]);
  });
});

describe("columns and files", () => {
  const record = {
    id: "1",
    time: "2026-01-01T00:00:00.123456789Z",
    duration: 0.000213,
    role: "server",
    protocol: "http",
    name: '=cmd|" /x',
    status: "ok",
    client: { service: "a,b" },
    server: { address: "10.0.0.1", port: 80 },
    request: { bytes: 1 },
    response: { bytes: 2 },
    connection: "c",
    waiting: false,
  } as Record_;

  test("columns of a URL; unknown ones are left out", () => {
    expect(columns("").map((column) => column.id)).toEqual(USUAL_COLUMNS);
    expect(columns("name,nothing,time").map((column) => column.id)).toEqual(["name", "time"]);
    expect(columns("nothing").map((column) => column.id)).toEqual(USUAL_COLUMNS);
  });

  test("commas, quotes and formulas are harmless in a CSV", () => {
    expect(cell('a,"b"')).toBe('"a,""b"""');
    expect(cell("=1+1")).toBe("'=1+1");
    const [head, row] = csv([record], columns("")).split("\r\n");
    expect(head).toBe("time,client,server,protocol,name,duration,status");
    expect(row).toBe(`2026-01-01T00:00:00.123456789Z,"a,b",10.0.0.1:80,http,"'=cmd|"" /x",0.000213,ok`);
  });
});

describe("what sets requests apart", () => {
  const one = (field: string, value: string, selected: number, others: number) => ({
    field,
    value,
    selected,
    others,
  });

  test("without requests in the selection, or beside it, nothing sets it apart", () => {
    const differences = [{ field: "name", value: "GET /", selected: 1, others: 0 }] as never[];
    expect(setApart({ selected: 0, others: 9, differences }, 10)).toEqual([]);
    expect(setApart({ selected: 9, others: 0, differences }, 10)).toEqual([]);
    expect(setApart({ selected: 9, others: 9, differences }, 10)).toHaveLength(1);
  });

  test("what a field repeats of another is told once, by the one that says more", () => {
    const told = distinct([
      one("name", "GET /a", 0.9, 0.1),
      one("http.route", "/a", 0.9, 0.1),
      one("host.name", "x", 0.9, 0.1),
    ]);
    expect(told.map((each) => each.field)).toEqual(["name", "host.name"]);
  });

  test("what differs by next to nothing is not told", () => {
    const told = distinct([one("url.path", "/carts/1", 0, 0.0165), one("url.path", "/carts/2", 0.03, 0)]);
    expect(told.map((each) => each.value)).toEqual(["/carts/2"]);
  });
});

describe("hosts", () => {
  const agent = {
    host: "a",
    seen: "2026-01-01T00:00:00Z",
    away: false,
    events: 900,
    lost: 100,
    sampled: 1,
    attributes: {
      stage: "nothing",
      cpu: "0.0123",
      "cpu.limit": "0.050",
      "memory.bytes": "1048576",
      "memory.limit.bytes": "134217728",
      "sees.sent.by": "fentry",
      "sees.received.by": "kprobe",
      "lost.by.cause": "ring full 100",
      requests: "7",
      "cloud.availability_zone": "eu-1",
    },
  };

  test("what an agent tells is numbers, words, and the rest by name", () => {
    expect(agentFacts(agent)).toEqual({
      state: "losing",
      backends: ["fentry", "kprobe"],
      leftOut: undefined,
      cpu: 0.0123,
      cpuLimit: 0.05,
      memory: 1_048_576,
      memoryLimit: 134_217_728,
      lostPart: 0.1,
      causes: "ring full 100",
      others: [
        ["cloud.availability_zone", "eu-1"],
        ["requests", "7"],
      ],
    });
  });

  test("its state is the worst of what is known", () => {
    const state = (more: object) => agentFacts({ ...agent, ...more }).state;
    expect(state({ lost: 0 })).toBe("well");
    expect(state({ sampled: 0.5 })).toBe("shedding");
    expect(state({ lost: 0, attributes: { stage: "details" } })).toBe("shedding");
    expect(state({ away: true, sampled: 0.5 })).toBe("away");
  });

  test("what is not told is not known, and not zero", () => {
    const facts = agentFacts({ host: "b", seen: agent.seen, away: false, events: 0, lost: 0, attributes: { cpu: "" } });
    expect(facts).toMatchObject({ backends: [], lostPart: 0, state: "well", others: [] });
    expect([facts.cpu, facts.cpuLimit, facts.memory, facts.memoryLimit]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    const same = agentFacts({ ...agent, attributes: { "sees.sent.by": "fentry", "sees.received.by": "fentry" } });
    expect(same.backends).toEqual(["fentry"]);
  });
});

describe("rows of a long list", () => {
  test("all of a short one exist", () => {
    expect(rowsInSight(120, 29, 0, 800, 120)).toEqual({ first: 0, last: 120 });
    expect(rowsInSight(0, 29, 0, 800, 120)).toEqual({ first: 0, last: 0 });
  });

  test("of a long one those in sight, and some beside them", () => {
    for (const above of [-500, 0, 1, 4321, 28_000, 60_000]) {
      const { first, last } = rowsInSight(1000, 29, above, 800, 120);
      expect(last - first).toBeLessThan(120);
      expect(first).toBeLessThanOrEqual(Math.max(0, Math.min(1000, Math.floor(above / 29))));
      expect(last).toBeGreaterThanOrEqual(Math.max(0, Math.min(1000, Math.ceil((above + 800) / 29))));
    }
  });

  test("fewer beside, where what is in sight costs something", () => {
    expect(rowsInSight(500, 29, 0, 800, 0, 5)).toEqual({ first: 0, last: 35 });
    expect(rowsInSight(500, 29, 2900, 800, 0, 5)).toEqual({ first: 95, last: 135 });
    expect(rowsInSight(3, 29, 0, 800, 0, 5)).toEqual({ first: 0, last: 3 });
    expect(rowsInSight(500, 29, -2000, 800, 0, 5)).toEqual({ first: 0, last: 0 });
  });

  test("a small step of a scroll changes nothing", () => {
    expect(rowsInSight(1000, 29, 4400, 800, 120)).toEqual(rowsInSight(1000, 29, 4401, 800, 120));
  });
});
