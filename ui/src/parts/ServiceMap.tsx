/** The map: drawn in SVG, moved by dragging, made larger by the wheel. */
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { t } from "../i18n";
import { duration, percent, rate } from "../lib/format";
import { bend, curve, point, type Bend } from "../lib/edges";
import { arranged, type Label, type Piece } from "../lib/labels";
import { COLUMN, HIGH, layout, ROW, WIDE, type Layout, type Place } from "../lib/layout";
import { letters as lettersOf, shortened } from "../lib/text";
import { slowness, thickness, type MapEdge, type MapNode, type MapView } from "../lib/map";
import { state } from "./figures";
import { kindName, kindPath } from "./icons";

/** With more edges than this they are drawn together; with more than `LABELLED` only those that are pointed at are labelled. */
const MANY = 300;
const LABELLED = 60;
/** With more than this they change at once: so many do not move smoothly. */
const STILL = 40;
const BELOW = 36;
/** What is left free around the drawing: edges between neighbours of a column lead round it. */
const MARGIN = 30;
/** The width of a letter of a label. */
const LETTER = 6.7;

interface Props {
  view: MapView;
  /** What the layout starts from: nodes keep their places as long as it is the same. */
  shape: string;
  selected: string;
  /** Nodes and edges that stand out; all of them where there is none. */
  lit: ReadonlySet<string> | undefined;
  select: (id: string) => void;
}

/** The part that fails with the sign of how much that is, as in tables; nothing where it does not matter. */
function failing(errors: number, ratio: number): string {
  const sign = { error: "▲", warn: "△", "": "" }[state(errors, ratio)];
  return sign && `${sign} ${percent(ratio)}`;
}

/** What is told of a node beside its name. */
function value(node: MapNode): string {
  const { count, errors, ratio, rate: often, p95 } = node.figures;
  if (count === 0) return kindName(node.kind);
  return `${rate(often)}  ${failing(errors, ratio) || duration(p95)}`;
}

export function ServiceMap(props: Props) {
  /** What is looked through; the drawing behind it is moved as a whole, which needs no drawing anew. */
  let frame!: HTMLDivElement;
  const [nodes, setNodes] = createStore<MapNode[]>([]);
  const [edges, setEdges] = createStore<MapEdge[]>([]);
  const [places, setPlaces] = createSignal<Layout>({ places: new Map(), width: 1, height: 1 });
  const [at, setAt] = createSignal({ x: 0, y: 0, scale: 1 });
  const [hover, setHover] = createSignal("");
  const [moved, setMoved] = createSignal(false);

  let shape = "";
  createEffect(() => {
    const { view } = props;
    const kept = shape === props.shape ? places() : undefined;
    shape = props.shape;
    const found = layout(
      view.nodes,
      view.edges.map((edge) => ({ from: edge.from, to: edge.to })),
      kept,
    );
    const same =
      kept !== undefined &&
      kept.places.size === found.places.size &&
      [...found.places.keys()].every((id) => kept.places.has(id));
    if (!same) setPlaces(found);
    setNodes(reconcile([...view.nodes], { key: "id" }));
    const apart = view.edges.length > MANY ? [] : view.edges.filter((edge) => edge.from !== edge.to);
    setEdges(reconcile(apart, { key: "id" }));
  });

  const fit = () => {
    const box = frame.getBoundingClientRect();
    const { width, height } = places();
    const drawn = { width: width - COLUMN + WIDE + 2 * MARGIN, height: height - ROW + HIGH + 2 * MARGIN };
    // Below are the tools and the key.
    const high = box.height - BELOW;
    const scale = Math.min(1.15, box.width / drawn.width, high / drawn.height);
    setAt({
      scale,
      x: (box.width - (drawn.width - 2 * MARGIN) * scale) / 2,
      y: (high - (drawn.height - 2 * MARGIN) * scale) / 2,
    });
  };
  // Whoever moved the map keeps it where it is.
  createEffect(on([places, () => props.shape], () => (!moved() ? fit() : undefined)));
  createEffect(
    on(
      () => props.shape,
      () => setMoved(false),
      { defer: true },
    ),
  );
  onMount(() => {
    const seen = new ResizeObserver(() => !moved() && fit());
    seen.observe(frame);
    onCleanup(() => seen.disconnect());
  });

  const zoom = (factor: number, x: number, y: number) => {
    setMoved(true);
    setAt((was) => {
      const scale = Math.max(0.08, Math.min(3, was.scale * factor));
      return { scale, x: x - ((x - was.x) * scale) / was.scale, y: y - ((y - was.y) * scale) / was.scale };
    });
  };
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    const box = frame.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * 0.0016), event.clientX - box.left, event.clientY - box.top);
  };
  let drag: { x: number; y: number; far: boolean } | undefined;
  const onDown = (event: PointerEvent) => {
    if (event.button === 0) drag = { x: event.clientX, y: event.clientY, far: false };
  };
  const onMove = (event: PointerEvent) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.far && Math.hypot(dx, dy) < 4) return;
    if (!drag.far) frame.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, y: event.clientY, far: true };
    setMoved(true);
    setAt((was) => ({ ...was, x: was.x + dx, y: was.y + dy }));
  };
  const onUp = () => {
    const far = drag?.far;
    drag = undefined;
    return far;
  };
  onMount(() => frame.addEventListener("wheel", onWheel, { passive: false }));

  /** The names of nodes would be too small to read: only those that find room are shown, at the size that they have elsewhere. */
  const scale = createMemo(() => at().scale);
  const far = createMemo(() => scale() < 0.5);
  /** So many edges that each by itself would be too much: they are drawn together by their colour. */
  const many = () => props.view.edges.length > MANY;
  const place = (id: string): Place => places().places.get(id) ?? { layer: 0, x: 0, y: 0 };
  const run = (edge: MapEdge) => curve(place(edge.from), place(edge.to));
  const touching = createMemo(() => {
    const id = hover();
    if (!id) return undefined;
    const found = new Set([id]);
    for (const edge of props.view.edges) {
      if (edge.id === id || edge.from === id || edge.to === id) found.add(edge.id).add(edge.from).add(edge.to);
    }
    return found;
  });
  const lit = (id: string) => {
    const set = many() ? props.lit : (touching() ?? props.lit);
    return set === undefined || set.has(id);
  };
  const chosen = (edge: MapEdge) => props.selected === edge.id || (touching()?.has(edge.id) ?? false);
  /** Edges that are there one by one. */
  const single = createMemo(() => {
    if (!many()) return edges;
    const few = props.lit && props.lit.size <= MANY ? props.lit : undefined;
    return props.view.edges.filter((edge) => edge.from !== edge.to && (chosen(edge) || few?.has(edge.id)));
  });
  const bundles = createMemo(() => {
    const found = new Map<string, string>();
    if (many()) {
      for (const edge of props.view.edges) found.set(look(edge), (found.get(look(edge)) ?? "") + run(edge));
    }
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  });
  const told = createMemo(() => {
    if (far()) return [];
    const all = single().length <= LABELLED ? single() : single().filter(chosen);
    const found = arranged(
      all.map((edge) => edgeLabel(edge, bend(place(edge.from), place(edge.to)), chosen(edge))),
      nodes.map((node) => ({ ...place(node.id), wide: WIDE, high: HIGH })),
      all.flatMap((edge) => pieces(edge.id, bend(place(edge.from), place(edge.to)))),
    );
    return all.flatMap((edge) => {
      const at = found.get(edge.id);
      return at ? [{ edge, ...at }] : [];
    });
  });
  const names = createMemo(() => {
    if (!far()) return [];
    // What is as wide as a node on the screen has to fit into it; where nodes are smaller than a name, names lie over them.
    const letters = WIDE * scale() >= 60 ? Math.floor((WIDE * scale() - 8) / LETTER) : 18;
    const found = arranged(
      nodes.map((node) =>
        nameLabel(node, places(), letters, scale(), hover() === node.id || props.selected === node.id),
      ),
      [],
    );
    return nodes.flatMap((node) => {
      const at = found.get(node.id);
      return at ? [{ node, text: shortened(node.label, letters), ...at }] : [];
    });
  });

  return (
    <div class="map">
      <div
        ref={frame}
        class="map-frame"
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={onUp}
        onPointerCancel={onUp}
        onClick={(event) => !(event.target as Element).closest(".node, .edge") && props.select("")}
      >
        <svg
          class="map-svg"
          classList={{ far: far(), still: props.view.edges.length > STILL }}
          role="group"
          aria-label={t("Service map")}
          ref={(element) =>
            createEffect(() => {
              // Whole pixels: letters between two of them are blurred.
              element.style.transform = `translate(${Math.round(at().x)}px, ${Math.round(at().y)}px)`;
            })
          }
        >
          <g transform={`scale(${scale()})`}>
            <For each={bundles()}>
              {([look, d]) => (
                <g class={`edge bundle ${look}`} classList={{ faint: props.lit !== undefined }}>
                  <path class="line" d={d} />
                </g>
              )}
            </For>
            <For each={single()}>
              {(edge) => (
                <Line
                  edge={edge}
                  d={run(edge)}
                  faint={!many() && !lit(edge.id)}
                  selected={props.selected === edge.id}
                  point={setHover}
                  select={props.select}
                />
              )}
            </For>
            <For each={nodes}>
              {(node) => (
                <g
                  class={`node ${state(node.figures.errors, node.figures.ratio)}`}
                  classList={{
                    faint: !lit(node.id),
                    selected: props.selected === node.id,
                    group: node.members.length > 0,
                    other: node.kind === "external" || node.kind === "unknown",
                  }}
                  ref={(element) =>
                    createEffect(() => {
                      const { x, y } = place(node.id);
                      element.style.transform = `translate(${x}px, ${y}px)`;
                    })
                  }
                  role="button"
                  tabindex="0"
                  onPointerOver={() => setHover(node.id)}
                  onPointerOut={(event) => left(event) && setHover("")}
                  onFocus={() => setHover(node.id)}
                  onBlur={() => setHover("")}
                  onClick={() => props.select(node.id)}
                  onKeyDown={(event) => {
                    if (event.key === "Enter" || event.key === " ") {
                      event.preventDefault();
                      props.select(node.id);
                    }
                  }}
                >
                  <Show when={node.members.length > 0}>
                    <rect class="under" x="4" y="4" width={WIDE} height={HIGH} rx="4" />
                  </Show>
                  <rect
                    class="box"
                    width={WIDE}
                    height={HIGH}
                    rx={node.kind === "database" || node.kind === "cache" ? 12 : 4}
                  >
                    <title>{`${node.label}, ${kindName(node.kind)}`}</title>
                  </rect>
                  <svg class="sign" x="10" y="12" width="16" height="16" viewBox="0 0 16 16">
                    <path d={kindPath(node.kind)} />
                  </svg>
                  <text class="name" x="34" y="17">
                    {shortened(node.label, 20)}
                  </text>
                  <text class="value" x="34" y="32">
                    {value(node)}
                  </text>
                </g>
              )}
            </For>
            <g class="far-names" font-size={`${11 / scale()}px`} stroke-width={3 / scale()}>
              <For each={names()}>
                {({ node, text, x, y }) => (
                  <text
                    x={x}
                    y={y + 4 / scale()}
                    class={state(node.figures.errors, node.figures.ratio)}
                    classList={{ faint: !lit(node.id) }}
                  >
                    {text}
                  </text>
                )}
              </For>
            </g>
            <For each={told()}>
              {({ edge, x, y }) => <EdgeLabel edge={edge} x={x} y={y} faint={!many() && !lit(edge.id)} />}
            </For>
          </g>
        </svg>
      </div>
      <div class="map-tools">
        <button
          class="framed"
          aria-label={t("Larger")}
          onClick={() => zoom(1.3, frame.clientWidth / 2, frame.clientHeight / 2)}
        >
          +
        </button>
        <button
          class="framed"
          aria-label={t("Smaller")}
          onClick={() => zoom(1 / 1.3, frame.clientWidth / 2, frame.clientHeight / 2)}
        >
          −
        </button>
        <button
          class="framed"
          onClick={() => {
            setMoved(false);
            fit();
          }}
        >
          {t("Fit")}
        </button>
      </div>
      <div class="map-key small dim">
        <span>p95</span>
        <For each={["< 1 ms", "10 ms", "100 ms", "1 s", "> 1 s"]}>
          {(text, step) => (
            <span class="flow">
              <i class={`swatch lat-${step()}`} />
              {text}
            </span>
          )}
        </For>
        <span class="flow">
          <i class="swatch failing" /> {t("errors from 1 %")}
        </span>
      </div>
    </div>
  );
}

/** How an edge looks: by its latency, and whether it fails. */
function look(edge: MapEdge): string {
  return `lat-${slowness(edge.figures.p95)} ${state(edge.figures.errors, edge.figures.ratio)}`.trim();
}

/** Its rate, and what matters more: failures, else the latency. */
function edgeText(edge: MapEdge): [string, string] {
  return [rate(edge.figures.rate), failing(edge.figures.errors, edge.figures.ratio) || duration(edge.figures.p95)];
}

/** What fails finds room first, then what is slow, then what is asked often. */
function importance(figures: MapEdge["figures"]): number {
  const worst = { error: 200, warn: 100, "": 0 }[state(figures.errors, figures.ratio)];
  return worst + slowness(figures.p95) * 10 + Math.log10(1 + figures.rate);
}

function edgeLabel(edge: MapEdge, bend: Bend, first: boolean): Label {
  const letters = Math.max(...edgeText(edge).map((text) => text.length));
  return {
    id: edge.id,
    wide: letters * LETTER + 4,
    high: 38,
    weight: importance(edge.figures) + (first ? 1000 : 0),
    at: [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8].map((at) => point(bend, at)),
    always: first,
  };
}

function nameLabel(node: MapNode, all: Layout, letters: number, scale: number, first: boolean): Label {
  const place = all.places.get(node.id) ?? { x: 0, y: 0 };
  const wide = (Math.min(lettersOf(node.label), letters) * LETTER + 4) / scale;
  // A name that is wider than its node stays within the drawing, at whose edge it would be cut.
  const least = wide / 2 - MARGIN;
  const most = all.width - COLUMN + WIDE + MARGIN - wide / 2;
  const middle = place.x + WIDE / 2;
  return {
    id: node.id,
    wide,
    high: 14 / scale,
    weight: importance(node.figures) + (first ? 1000 : 0),
    at: [{ x: least < most ? Math.max(least, Math.min(most, middle)) : middle, y: place.y + HIGH / 2 }],
    always: first,
  };
}

/** A line as pieces that are better not covered by the labels of others. */
function pieces(of: string, bend: Bend): Piece[] {
  return Array.from({ length: 24 }, (_, at) => {
    const { x, y } = point(bend, at / 23);
    return { of, x: x - 3, y: y - 3, wide: 6, high: 6 };
  });
}

/** Whether the pointer left it as a whole, and not one of its parts for another. */
function left(event: PointerEvent): boolean {
  return !(event.currentTarget as Element).contains(event.relatedTarget as globalThis.Node | null);
}

/** What can be clicked is wider than what is seen. Its way is worked out once for both. */
function Line(props: {
  edge: MapEdge;
  d: string;
  faint: boolean;
  selected: boolean;
  point: (id: string) => void;
  select: (id: string) => void;
}) {
  const d = createMemo(() => props.d);
  return (
    <g
      class={`edge ${look(props.edge)}`}
      classList={{ faint: props.faint, selected: props.selected }}
      onPointerOver={() => props.point(props.edge.id)}
      onPointerOut={(event) => left(event) && props.point("")}
      onClick={() => props.select(props.edge.id)}
    >
      <path class="hit" d={d()} />
      <path class="line" d={d()} stroke-width={thickness(props.edge.figures.rate)} />
    </g>
  );
}

/** The rate above the line, the rest below it. */
function EdgeLabel(props: { edge: MapEdge; x: number; y: number; faint: boolean }) {
  const text = createMemo(() => edgeText(props.edge));
  return (
    <g
      class="edge-label"
      classList={{ error: state(props.edge.figures.errors, props.edge.figures.ratio) !== "", faint: props.faint }}
    >
      <text x={props.x} y={props.y - 7}>
        {text()[0]}
      </text>
      <text x={props.x} y={props.y + 16}>
        {text()[1]}
      </text>
    </g>
  );
}
