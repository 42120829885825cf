/** A chart over time. Dragging looks at what was dragged over. */
import { createEffect, onCleanup, onMount } from "solid-js";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { iso } from "../lib/time";
import { theme } from "../state/prefs";
import { look } from "../state/url";

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Name of a colour of the style sheet. */
  readonly colour: string;
  readonly fill?: boolean;
  readonly dash?: boolean;
}

interface Props {
  /** Seconds since 1970. */
  times: readonly number[];
  lines: readonly Line[];
  unit: (value: number) => string;
  height?: number;
  label: string;
  from?: number;
  to?: number;
}

const sync = uPlot.sync("time");

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function Chart(props: Props) {
  let box!: HTMLDivElement;
  let legend!: HTMLDivElement;
  let plot: uPlot | undefined;

  const data = () => [props.times, ...props.lines.map((line) => line.values)] as unknown as uPlot.AlignedData;
  const say = (u: uPlot) => {
    const at = u.cursor.idx;
    legend.textContent = "";
    props.lines.forEach((line, place) => {
      const values = u.data[place + 1];
      const last = at ?? undefined;
      const value = last === undefined ? undefined : values?.[last];
      const item = document.createElement("span");
      const sign = document.createElement("i");
      sign.className = `key key-${line.colour}${line.dash ? " dashed" : ""}`;
      item.append(sign, `${line.label} `);
      if (last !== undefined) {
        const number = document.createElement("b");
        number.textContent = value === undefined || value === null ? "–" : props.unit(value);
        item.append(number);
      }
      legend.append(item);
    });
  };

  const make = () => {
    plot?.destroy();
    const dim = colour("dim");
    const grid = { stroke: colour("line"), width: 1 };
    const font = `11px ${colour("mono")}`;
    plot = new uPlot(
      {
        width: Math.max(80, box.clientWidth),
        height: props.height ?? 120,
        padding: [8, 28, 0, 0],
        legend: { show: false },
        cursor: {
          sync: { key: sync.key, setSeries: false },
          drag: { x: true, y: false, setScale: false },
          points: { size: 5 },
          y: false,
        },
        scales: { x: { time: true }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
        axes: [
          {
            stroke: dim,
            grid: { show: false },
            ticks: { stroke: colour("line"), size: 4 },
            font,
            size: 24,
            gap: 4,
            space: 72,
            values: (_, splits, __, ___, step) => splits.map((at) => tick(at, step)),
          },
          {
            stroke: dim,
            grid,
            ticks: { show: false },
            font,
            size: 64,
            gap: 8,
            space: 32,
            values: (_, splits) => splits.map((value) => (value === 0 ? "0" : props.unit(value))),
          },
        ],
        series: [
          {},
          ...props.lines.map((line): uPlot.Series => {
            const stroke = colour(line.colour);
            return {
              label: line.label,
              stroke,
              width: 1.5,
              points: { show: false },
              spanGaps: false,
              ...(line.dash ? { dash: [4, 3] } : {}),
              ...(line.fill ? { fill: `color-mix(in srgb, ${stroke} 22%, transparent)` } : {}),
            };
          }),
        ],
        hooks: {
          setCursor: [say],
          setSelect: [
            (u) => {
              if (u.select.width < 4) return;
              const from = u.posToVal(u.select.left, "x");
              const to = u.posToVal(u.select.left + u.select.width, "x");
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              if (to - from >= 0.1) look({ from: iso(from * 1000), to: iso(to * 1000) });
            },
          ],
        },
      },
      data(),
      box,
    );
    say(plot);
  };

  onMount(() => {
    const seen = new ResizeObserver(() => {
      if (plot && box.clientWidth > 0) plot.setSize({ width: box.clientWidth, height: props.height ?? 120 });
    });
    seen.observe(box);
    onCleanup(() => {
      seen.disconnect();
      plot?.destroy();
    });
    box.style.minHeight = `${props.height ?? 120}px`;
    let shape = "";
    createEffect(() => {
      // A chart is made with its first values: an empty one would only keep whoever came here waiting.
      if (!plot && props.times.length === 0) return;
      const wanted = `${theme()}|${props.lines.map((line) => `${line.label}${line.colour}`).join("|")}`;
      const values = data();
      if (wanted !== shape) {
        shape = wanted;
        make();
      } else plot?.setData(values);
      if (props.from !== undefined && props.to !== undefined) plot?.setScale("x", { min: props.from, max: props.to });
    });
  });

  return (
    <figure class="chart" aria-label={props.label}>
      <figcaption>
        <span>{props.label}</span>
        <div class="legend" ref={legend} />
      </figcaption>
      <div ref={box} role="img" aria-label={props.label} />
    </figure>
  );
}

function tick(at: number, step: number): string {
  const date = new Date(at * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  if (step >= 86_400) return `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return step >= 60 ? minutes : `${minutes}:${two(date.getSeconds())}`;
}
