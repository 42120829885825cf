/** A table: its columns are told once, its rows exist as far as they are in sight. */
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show, type JSX } from "solid-js";
import type { Figures } from "../api/client";
import { t } from "../i18n";
import { count, duration, percent, rate } from "../lib/format";
import { rowsInSight } from "../lib/rowsInSight";
import { Errors } from "./figures";

export interface Column<T> {
  readonly head?: string;
  readonly cell: (row: T) => JSX.Element;
  /** Numbers stand at the right. */
  readonly num?: boolean;
  /** It takes the room that the others leave. */
  readonly fill?: boolean;
  /** It is left out at the width of a phone. */
  readonly wide?: boolean;
  /** By what the list is ordered when its heading is clicked. */
  readonly by?: string;
  /** What pointing at its heading tells. */
  readonly about?: string;
  readonly class?: string | ((row: T) => string);
  /** What pointing at a cell tells. */
  readonly title?: (row: T) => string | undefined;
}

interface Props<T> {
  rows: readonly T[];
  columns: readonly Column<T>[];
  class?: string;
  /** No higher than a part of the page; the rest is scrolled to. */
  limited?: boolean;
  stale?: boolean;
  /** By what the list is ordered: `rate`, or `-rate` for the greatest first. */
  order?: string;
  sort?: (by: string) => void;
  /** What a click on a row does. */
  open?: (row: T) => void;
  /** The row at which the keyboard is. */
  cursor?: number;
  failed?: (row: T) => boolean;
  title?: (row: T) => string;
  /** Hears which rows are in sight, or nearly: for what is asked for only where it is seen. */
  inSight?: (rows: readonly T[]) => void;
}

/** Below this, all rows exist. */
const ALL = 120;
/** So many rows beside those in sight count as seen. */
const NEAR = 5;
/** Height of the page's bar and of the headings, under which a row is not seen. */
const COVERED = 80;

export function Table<T>(props: Props<T>) {
  let box!: HTMLDivElement;
  let table!: HTMLTableElement;
  let body!: HTMLTableSectionElement;
  const columns = createMemo(() => props.columns);
  const headed = () => columns().some((column) => column.head !== undefined);
  const [sight, setSight] = createSignal({ above: 0, high: 1000, known: false });
  const [row, setRow] = createSignal(29);
  /** Whether it is wider than there is room for. A box that scrolls takes the headings along, so it is one only then. */
  const [wide, setWide] = createSignal(false);
  const part = createMemo(() => rowsInSight(props.rows.length, row(), sight().above, sight().high, ALL), undefined, {
    equals: (a, b) => a?.first === b?.first && a?.last === b?.last,
  });
  const shown = createMemo(() => props.rows.slice(part().first, part().last));
  const near = createMemo(
    () => rowsInSight(props.rows.length, row(), sight().above, sight().high, 0, NEAR),
    undefined,
    {
      equals: (a, b) => a?.first === b?.first && a?.last === b?.last,
    },
  );
  createEffect(() => {
    if (sight().known) props.inSight?.(props.rows.slice(near().first, near().last));
  });

  let asked = 0;
  const look = () => {
    asked = 0;
    if (props.rows.length <= ALL && !props.inSight) return;
    const all = body.getBoundingClientRect();
    const frame = box.getBoundingClientRect();
    const top = Math.max(0, frame.top);
    setRow(body.querySelector<HTMLElement>("tr:not(.space)")?.offsetHeight || 29);
    setSight({
      above: top - all.top,
      high: Math.max(0, Math.min(window.innerHeight, frame.bottom) - top),
      known: true,
    });
    if (props.rows.length <= ALL) return;
    // Columns do not become narrower while somebody scrolls.
    const heads = [...box.querySelectorAll<HTMLElement>("th:not(.fill)")];
    // All are measured before one is changed: each change in between would lay out the whole table again.
    const widths = heads.map((head) => head.offsetWidth);
    heads.forEach((head, at) => {
      const wide = widths[at] ?? 0;
      if (wide > (Number.parseFloat(head.style.minWidth) || 0)) head.style.minWidth = `${wide}px`;
    });
  };
  const soon = () => (asked ||= requestAnimationFrame(look));
  onMount(() => {
    // Of whatever is scrolled: the page, or the box around the table.
    document.addEventListener("scroll", soon, { capture: true, passive: true });
    window.addEventListener("resize", soon);
    const sized = new ResizeObserver(() => setWide(table.offsetWidth > box.clientWidth + 1));
    sized.observe(box);
    sized.observe(table);
    onCleanup(() => sized.disconnect());
    createEffect(on(() => props.rows.length, soon));
    createEffect(
      on(
        () => props.cursor ?? -1,
        (at) => {
          if (at < 0) return;
          const top = body.getBoundingClientRect().top + at * row();
          if (top < COVERED) window.scrollBy(0, top - COVERED);
          else if (top + row() > window.innerHeight) window.scrollBy(0, top + row() - window.innerHeight + 8);
        },
      ),
    );
  });
  onCleanup(() => {
    cancelAnimationFrame(asked);
    document.removeEventListener("scroll", soon, { capture: true });
    window.removeEventListener("resize", soon);
  });

  return (
    <div classList={{ scroll: wide() || (props.limited ?? false), limited: props.limited ?? false }} ref={box}>
      <table
        ref={table}
        class={props.class}
        classList={{ stale: props.stale ?? false }}
        aria-rowcount={props.rows.length + (headed() ? 1 : 0)}
      >
        <Show when={headed()}>
          <thead>
            <tr>
              <For each={columns()}>
                {(column) => <Head column={column} now={props.order ?? ""} sort={props.sort} />}
              </For>
            </tr>
          </thead>
        </Show>
        <tbody ref={body}>
          <Space rows={part().first} high={row()} columns={columns().length} />
          <For each={shown()}>
            {(one, at) => (
              <tr
                classList={{
                  link: props.open !== undefined,
                  cursor: props.cursor === part().first + at(),
                  failed: props.failed?.(one) ?? false,
                }}
                title={props.title?.(one)}
                aria-rowindex={part().first + at() + (headed() ? 2 : 1)}
                onClick={(event) => !(event.target as Element).closest("a, button") && props.open?.(one)}
              >
                <For each={columns()}>
                  {(column) => (
                    <td class={classes(column, one)} title={column.title?.(one)}>
                      {column.cell(one)}
                    </td>
                  )}
                </For>
              </tr>
            )}
          </For>
          <Space rows={props.rows.length - part().last} high={row()} columns={columns().length} />
        </tbody>
      </table>
    </div>
  );
}

function classes<T>(column: Column<T>, row: T): string {
  const own = typeof column.class === "function" ? column.class(row) : column.class;
  return [column.num && "num", column.fill && "fill", column.wide && "wide", own].filter(Boolean).join(" ");
}

function Head<T>(props: { column: Column<T>; now: string; sort: ((by: string) => void) | undefined }) {
  const by = () => (props.sort ? props.column.by : undefined);
  const on = () => by() !== undefined && props.now.replace(/^-/, "") === by();
  return (
    <th
      class={[props.column.num && "num", props.column.fill && "fill", props.column.wide && "wide"]
        .filter(Boolean)
        .join(" ")}
      aria-sort={on() ? (props.now.startsWith("-") ? "descending" : "ascending") : undefined}
      title={props.column.about}
    >
      <Show when={by()} fallback={props.column.head}>
        {(name) => (
          <button onClick={() => props.sort?.(props.now === `-${name()}` ? name() : `-${name()}`)}>
            {props.column.head}
            <Show when={on()}>{props.now.startsWith("-") ? " ↓" : " ↑"}</Show>
          </button>
        )}
      </Show>
    </th>
  );
}

/** The room of rows that are not in sight. */
function Space(props: { rows: number; high: number; columns: number }) {
  return (
    <Show when={props.rows > 0}>
      <tr class="space" aria-hidden="true">
        <td
          colspan={props.columns}
          ref={(cell) => createEffect(() => (cell.style.height = `${props.rows * props.high}px`))}
        />
      </tr>
    </Show>
  );
}

/** Figures of requests, everywhere alike: rate (or calls), errors, p50, p95, p99. */
export function figureColumns<T>(of: (row: T) => Figures, first: "rate" | "count" = "rate"): Column<T>[] {
  const latency = (name: "p50" | "p95" | "p99"): Column<T> => ({
    head: name,
    by: name,
    num: true,
    // A phone has room for one of them.
    wide: name !== "p95",
    cell: (row) => duration(of(row)[name]),
  });
  return [
    first === "rate"
      ? { head: t("Rate"), by: "rate", num: true, cell: (row) => rate(of(row).rate) }
      : { head: t("Calls"), by: "count", num: true, cell: (row) => count(of(row).count) },
    { head: t("Errors"), by: "errors", num: true, cell: (row) => <Errors figures={of(row)} /> },
    latency("p50"),
    latency("p95"),
    latency("p99"),
  ];
}

/** A part of a whole, with a bar below it. */
export function shareColumn<T>(head: string, of: (row: T) => number): Column<T> {
  return {
    head,
    num: true,
    class: "bar-cell",
    cell: (row) => (
      <>
        <svg class="share" preserveAspectRatio="none" viewBox="0 0 100 2" aria-hidden="true">
          <rect x={100 - of(row) * 100} width={of(row) * 100} height="2" />
        </svg>
        {percent(of(row))}
      </>
    ),
  };
}
