/** The map: drawn in SVG, moved by dragging, made larger by the wheel. */
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { t } from "../i18n";
import { duration, percent, rate } from "../lib/format";
import { COLUMN, layout, ROW, type Layout, type Place } from "../lib/layout";
import { slowness, thickness, type MapEdge, type MapNode, type MapView } from "../lib/map";
import { state } from "./figures";
import { kindName, kindPath } from "./icons";

const [WIDE, HIGH] = [176, 40];

interface Props {
  view: MapView;
  /** What the layout starts from: nodes keep their places as long as it is the same. */
  shape: string;
  selected: string;
  /** Nodes and edges that stand out; all of them where there is none. */
  lit: ReadonlySet<string> | undefined;
  select: (id: string) => void;
}

/** What is told of a node beside its name. */
function value(node: MapNode): string {
  const { count, errors, ratio, rate: often, p95 } = node.figures;
  if (count === 0) return kindName(node.kind);
  return `${rate(often)}  ${state(errors, ratio) ? `▲ ${percent(ratio)}` : duration(p95)}`;
}

const shortened = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

export function ServiceMap(props: Props) {
  let svg!: SVGSVGElement;
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
    setEdges(
      reconcile(
        [...view.edges].filter((edge) => edge.from !== edge.to),
        { key: "id" },
      ),
    );
  });

  const fit = () => {
    const box = svg.getBoundingClientRect();
    const { width, height } = places();
    const drawn = { width: width - COLUMN + WIDE + 48, height: height - ROW + HIGH + 48 };
    const scale = Math.min(1.15, box.width / drawn.width, box.height / drawn.height);
    setAt({
      scale,
      x: (box.width - (drawn.width - 48) * scale) / 2,
      y: (box.height - (drawn.height - 48) * scale) / 2,
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
    seen.observe(svg);
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
    const box = svg.getBoundingClientRect();
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
    if (!drag.far) svg.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, y: event.clientY, far: true };
    setMoved(true);
    setAt((was) => ({ ...was, x: was.x + dx, y: was.y + dy }));
  };
  const onUp = () => {
    const far = drag?.far;
    drag = undefined;
    return far;
  };
  onMount(() => svg.addEventListener("wheel", onWheel, { passive: false }));

  const far = () => at().scale < 0.5;
  const place = (id: string): Place => places().places.get(id) ?? { layer: 0, x: 0, y: 0 };
  const touching = createMemo(() => {
    const id = hover();
    if (!id) return undefined;
    const found = new Set([id]);
    for (const edge of edges) {
      if (edge.id === id || edge.from === id || edge.to === id) found.add(edge.id).add(edge.from).add(edge.to);
    }
    return found;
  });
  const lit = (id: string) => {
    const set = touching() ?? props.lit;
    return set === undefined || set.has(id);
  };
  const labelled = (edge: MapEdge) =>
    !far() && (edges.length <= 16 || props.selected === edge.id || (touching()?.has(edge.id) ?? false));

  return (
    <div class="map">
      <svg
        ref={svg}
        class="map-svg"
        classList={{ far: far() }}
        role="group"
        aria-label={t("Service map")}
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={onUp}
        onClick={(event) => event.target === svg && props.select("")}
      >
        <g transform={`translate(${at().x} ${at().y}) scale(${at().scale})`}>
          <For each={edges}>
            {(edge) => (
              <g
                class={`edge lat-${slowness(edge.figures.p95)} ${state(edge.figures.errors, edge.figures.ratio)}`}
                classList={{ faint: !lit(edge.id), selected: props.selected === edge.id }}
                onPointerEnter={() => setHover(edge.id)}
                onPointerLeave={() => setHover("")}
                onClick={() => props.select(edge.id)}
              >
                <path class="hit" d={curve(place(edge.from), place(edge.to))} />
                <path
                  class="line"
                  d={curve(place(edge.from), place(edge.to))}
                  stroke-width={thickness(edge.figures.rate)}
                />
              </g>
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
                onPointerEnter={() => setHover(node.id)}
                onPointerLeave={() => setHover("")}
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
                <text class="name" x="34" y={far() ? 27 : 17}>
                  {shortened(node.label, far() ? 13 : 20)}
                </text>
                <text class="value" x="34" y="32">
                  {value(node)}
                </text>
              </g>
            )}
          </For>
          <For each={edges}>
            {(edge) => (
              <Show when={labelled(edge)}>
                <EdgeLabel edge={edge} from={place(edge.from)} to={place(edge.to)} />
              </Show>
            )}
          </For>
        </g>
      </svg>
      <div class="map-tools">
        <button
          class="framed"
          aria-label={t("Larger")}
          onClick={() => zoom(1.3, svg.clientWidth / 2, svg.clientHeight / 2)}
        >
          +
        </button>
        <button
          class="framed"
          aria-label={t("Smaller")}
          onClick={() => zoom(1 / 1.3, svg.clientWidth / 2, svg.clientHeight / 2)}
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

/** The rate above the line; below it what matters more: failures, else the latency. */
function EdgeLabel(props: { edge: MapEdge; from: Place; to: Place }) {
  const failing = () => state(props.edge.figures.errors, props.edge.figures.ratio) !== "";
  const x = () => (props.from.x + WIDE + props.to.x) / 2;
  const y = () => (props.from.y + props.to.y) / 2 + HIGH / 2;
  return (
    <g class="edge-label" classList={{ error: failing() }}>
      <text x={x()} y={y() - 7}>
        {rate(props.edge.figures.rate)}
      </text>
      <text x={x()} y={y() + 16}>
        {failing() ? `▲ ${percent(props.edge.figures.ratio)}` : duration(props.edge.figures.p95)}
      </text>
    </g>
  );
}

/** From the right of one node to the left of the other; around both where the way leads back. */
export function curve(from: Place, to: Place): string {
  const [x1, y1, x2, y2] = [from.x + WIDE, from.y + HIGH / 2, to.x, to.y + HIGH / 2];
  if (from.x === to.x) {
    const out = x1 + 36;
    return `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x1} ${y2}`;
  }
  if (x2 <= x1) {
    const side = Math.min(180, (x1 - x2) / 3 + 24);
    const lift = y1 === y2 ? HIGH : 0;
    return `M${from.x + WIDE / 2} ${from.y + HIGH}C${from.x + WIDE / 2} ${y1 + side + lift} ${to.x + WIDE / 2} ${y2 + side + lift} ${to.x + WIDE / 2} ${to.y + HIGH}`;
  }
  const bend = Math.max(28, (x2 - x1) * 0.45);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
