/** How many requests took how long, and when; a region of it can be selected. */
import { createEffect, createMemo, createSignal, onCleanup, onMount, Show } from "solid-js";
import type { HeatMap as Map_ } from "../api/client";
import { t } from "../i18n";
import { count, duration } from "../lib/format";
import { marked, markedRegion, rows, strength, type Marked, type Region } from "../lib/heat";
import { clock } from "../lib/time";
import { theme } from "../state/prefs";
import { colour } from "./Chart";

const [LEFT, BOTTOM, TOP] = [64, 24, 4];

interface Props {
  map: Map_;
  region: Region | undefined;
  select: (region: Region | undefined) => void;
  height?: number;
}

export function HeatMap(props: Props) {
  let box!: HTMLDivElement;
  let canvas!: HTMLCanvasElement;
  const [width, setWidth] = createSignal(600);
  const height = () => props.height ?? 220;
  const [drag, setDrag] = createSignal<{ x1: number; y1: number; x2: number; y2: number }>();
  /** What the keyboard has marked: it is a region when Enter says so. */
  const [mark, setMark] = createSignal<Marked>();
  const [point, setPoint] = createSignal<{ x: number; y: number; text: string }>();

  const shown = createMemo(() => rows(props.map));
  const count_ = createMemo(() => shown().last - shown().first + 1);
  const begin = createMemo(() => Date.parse(props.map.begin));
  const cell = () => ({
    wide: (width() - LEFT) / Math.max(1, props.map.columns),
    high: (height() - TOP - BOTTOM) / count_(),
  });
  const by = createMemo(
    () => new Map(props.map.cells.map((one) => [(one[0] ?? 0) * 1000 + (one[1] ?? 0), one[2] ?? 0])),
  );
  const columnAt = (x: number) => (x - LEFT) / cell().wide;
  const rowAt = (y: number) => shown().last + 1 - (y - TOP) / cell().high;
  const x = (column: number) => LEFT + column * cell().wide;
  const y = (row: number) => TOP + (shown().last + 1 - row) * cell().high;

  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width() * ratio);
    canvas.height = Math.round(height() * ratio);
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.scale(ratio, ratio);
    pen.clearRect(0, 0, width(), height());
    const ramp = [0, 1, 2, 3, 4].map((step) => rgb(colour(`ramp-${step}`)));
    pen.font = `11px ${colour("mono")}`;
    pen.fillStyle = colour("dim");
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    const line = colour("line");
    let lastY = Infinity;
    for (let row = shown().first; row <= shown().last; row += 1) {
      const bound = props.map.bounds[row] ?? 0;
      const power = Math.round(Math.log10(bound));
      const near = Math.abs(Math.log10(bound) - power);
      const step = Math.abs(Math.log10((props.map.bounds[row + 1] ?? bound * 1.5) / bound));
      if (near > step / 2 || lastY - y(row) < 20) continue;
      lastY = y(row);
      // The line is where the power of ten is, not where the nearest row begins.
      const at = y(row + (power - Math.log10(bound)) / step);
      pen.fillText(duration(10 ** power), LEFT - 8, at);
      pen.fillStyle = line;
      pen.fillRect(LEFT, at, width() - LEFT, 1);
      pen.fillStyle = colour("dim");
    }
    const most = Math.max(1, ...props.map.cells.map((one) => one[2] ?? 0));
    const [wide, high] = [cell().wide, cell().high];
    for (const one of props.map.cells) {
      const [column, row, amount] = one as [number, number, number];
      if (row < shown().first || row > shown().last) continue;
      pen.fillStyle = mixed(ramp, strength(amount, most));
      pen.fillRect(
        x(column),
        y(row + 1),
        Math.max(1, wide - (wide > 5 ? 1 : 0)),
        Math.max(1, high - (high > 5 ? 1 : 0)),
      );
    }
    pen.fillStyle = colour("dim");
    pen.textBaseline = "alphabetic";
    pen.textAlign = "center";
    const total = props.map.columns * props.map.step;
    const steps = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400, 604_800];
    const every = steps.find((step) => total / step <= Math.max(2, (width() - LEFT) / 88)) ?? 604_800;
    const zone = new Date(begin()).getTimezoneOffset() * 60;
    const first = Math.ceil((begin() / 1000 - zone) / every) * every + zone;
    for (let at = first; at < begin() / 1000 + total; at += every) {
      const place = x((at - begin() / 1000) / props.map.step);
      if (place < LEFT + 20 || place > width() - 20) continue;
      pen.fillText(clock(at * 1000).slice(0, every < 60 ? 8 : 5), place, height() - 6);
      pen.fillStyle = line;
      pen.fillRect(place, height() - BOTTOM, 1, 4);
      pen.fillStyle = colour("dim");
    }
  };

  onMount(() => {
    const seen = new ResizeObserver(() => setWidth(Math.max(200, box.clientWidth)));
    seen.observe(box);
    onCleanup(() => seen.disconnect());
    createEffect(() => {
      theme();
      draw();
    });
  });

  const local = (event: PointerEvent) => {
    const rect = canvas.getBoundingClientRect();
    return {
      x: Math.max(LEFT, Math.min(width(), event.clientX - rect.left)),
      y: Math.max(TOP, Math.min(height() - BOTTOM, event.clientY - rect.top)),
    };
  };
  const region = (from: { x: number; y: number }, to: { x: number; y: number }): Region => {
    return markedRegion(props.map, {
      column: Math.floor(columnAt(Math.min(from.x, to.x))),
      toColumn: Math.ceil(columnAt(Math.max(from.x, to.x))) - 1,
      row: Math.floor(rowAt(Math.max(from.y, to.y))),
      toRow: Math.ceil(rowAt(Math.min(from.y, to.y))) - 1,
    });
  };
  const onDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const at = local(event);
    canvas.setPointerCapture(event.pointerId);
    unmark();
    setDrag({ x1: at.x, y1: at.y, x2: at.x, y2: at.y });
  };
  const onMove = (event: PointerEvent) => {
    const at = local(event);
    const dragged = drag();
    if (dragged) {
      setDrag({ ...dragged, x2: at.x, y2: at.y });
      return;
    }
    tell(Math.floor(columnAt(at.x)), Math.floor(rowAt(at.y)), at);
  };
  /** Says what a cell has, beside a place. */
  const tell = (column: number, row: number, at: { x: number; y: number }) => {
    const amount = by().get(column * 1000 + row) ?? 0;
    const time = clock(begin() + column * props.map.step * 1000);
    const [low, high] = [props.map.bounds[row], props.map.bounds[row + 1]];
    setPoint({
      x: Math.min(at.x + 12, width() - 240),
      y: Math.max(0, at.y - 36),
      text: `${count(amount)} · ${time} · ${duration(low)} – ${high ? duration(high) : "∞"}`,
    });
  };
  const unmark = () => {
    setMark(undefined);
    setPoint(undefined);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = mark();
    if (now && (event.key === "Enter" || event.key === "Escape")) {
      event.preventDefault();
      unmark();
      if (event.key === "Enter") props.select(markedRegion(props.map, now));
      return;
    }
    // The first arrow marks where the slowest of the newest are looked for first: above the middle, at the end.
    const { first, last } = shown();
    const [column, row] = [props.map.columns - 1, Math.ceil((first + last) / 2)];
    const begun = now ?? { column, row, toColumn: column, toRow: row };
    const next = marked(begun, event.key, event.shiftKey, props.map, shown());
    if (!next) return;
    event.preventDefault();
    setMark(next);
    tell(next.toColumn, next.toRow, { x: x(next.toColumn), y: y(next.toRow + 1) });
  };
  const onUp = () => {
    const dragged = drag();
    setDrag(undefined);
    if (!dragged) return;
    const far = Math.hypot(dragged.x2 - dragged.x1, dragged.y2 - dragged.y1) > 4;
    props.select(far ? region({ x: dragged.x1, y: dragged.y1 }, { x: dragged.x2, y: dragged.y2 }) : undefined);
  };

  const frame = createMemo(() => {
    const dragged = drag();
    if (dragged) {
      return {
        x: Math.min(dragged.x1, dragged.x2),
        y: Math.min(dragged.y1, dragged.y2),
        wide: Math.abs(dragged.x2 - dragged.x1),
        high: Math.abs(dragged.y2 - dragged.y1),
      };
    }
    const now = mark();
    const region = now ? markedRegion(props.map, now) : props.region;
    if (!region) return undefined;
    const column = (at: number) => (at - begin()) / (props.map.step * 1000);
    const row = (seconds: number) => {
      const found = props.map.bounds.findIndex((bound) => bound >= seconds * 0.9999);
      return found < 0 ? props.map.bounds.length : found;
    };
    const [left, right] = [Math.max(LEFT, x(column(region.from))), Math.min(width(), x(column(region.to)))];
    const [top, bottom] = [Math.max(TOP, y(row(region.high))), Math.min(height() - BOTTOM, y(row(region.low)))];
    return right > left && bottom > top ? { x: left, y: top, wide: right - left, high: bottom - top } : undefined;
  });

  return (
    <div class="heat" ref={box}>
      <canvas
        ref={canvas}
        role="img"
        tabindex="0"
        aria-label={t(
          "Requests by time and latency; drag over a region to select it, or mark it with arrows and Shift, then Enter",
        )}
        onKeyDown={onKey}
        onBlur={unmark}
        onPointerCancel={() => setDrag(undefined)}
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={onUp}
        onPointerLeave={() => setPoint(undefined)}
      />
      <Show when={frame()}>
        {(found) => (
          <div
            class="heat-frame"
            ref={(element) =>
              createEffect(() => {
                element.style.transform = `translate(${found().x}px, ${found().y}px)`;
                element.style.width = `${found().wide}px`;
                element.style.height = `${found().high}px`;
              })
            }
          />
        )}
      </Show>
      <Show when={!drag() && point()}>
        {(found) => (
          <div
            class="tip mono"
            ref={(element) =>
              createEffect(() => {
                element.style.transform = `translate(${found().x}px, ${found().y}px)`;
              })
            }
          >
            {found().text}
          </div>
        )}
      </Show>
    </div>
  );
}

function rgb(text: string): [number, number, number] {
  const number = Number.parseInt(text.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

function mixed(ramp: readonly [number, number, number][], part: number): string {
  const at = part * (ramp.length - 1);
  const low = Math.min(ramp.length - 2, Math.floor(at));
  const [a, b] = [ramp[low]!, ramp[low + 1]!];
  const mix = a.map((value, place) => Math.round(value + (b[place]! - value) * (at - low)));
  return `rgb(${mix.join(" ")})`;
}
