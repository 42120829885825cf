/** The spans of a trace over time. Only the rows in sight exist, so that thousands of them stay smooth. */
import { createEffect, createMemo, createSignal, For, onCleanup, onMount, Show } from "solid-js";
import type { Span, Trace } from "../api/client";
import { t } from "../i18n";
import { duration } from "../lib/format";
import { rows, ticks, type Row } from "../lib/waterfall";
import { param, set } from "../state/url";
import { isWriting } from "./Frame";

const ROW = 28;

/** What it means that a span has its parent for this reason. */
export function evidenceWords(evidence: string | null | undefined): string {
  switch (evidence) {
    case "traceparent":
      return t("the request carried a traceparent header with its parent's id");
    case "request-id":
      return t("the request carried the same x-request-id as its parent");
    case "sequence":
      return t("both ends saw the same TCP sequence number: it is one request, seen twice");
    case "thread":
      return t("the thread that answered the parent sent it meanwhile");
    case "queue":
      return t("it was handed over within the process, from the thread that took the parent in");
    case "connect":
      return t("its connection was opened for the parent");
    case "span":
      return t("its program said so, in a span");
    default:
      return t("nothing joined it to a parent: it is where the trace begins, as far as is known");
  }
}

interface Props {
  trace: Trace;
  selected: string;
  select: (id: string) => void;
}

export function Waterfall(props: Props) {
  let box!: HTMLDivElement;
  const [top, setTop] = createSignal(0);
  const [high, setHigh] = createSignal(600);
  const folded = createMemo(() => new Set(param("fold").split(",").filter(Boolean)));
  const all = createMemo(() => rows(props.trace, folded()));
  const length = () => Math.max(props.trace.duration, 1e-9);
  const seen = createMemo(() => {
    const first = Math.max(0, Math.floor(top() / ROW) - 8);
    return all()
      .slice(first, Math.ceil((top() + high()) / ROW) + 8)
      .map((row, at) => ({ row, at: first + at }));
  });
  const fold = (span: Span) => {
    const now = new Set(folded());
    if (!now.delete(span.id)) now.add(span.id);
    set({ fold: [...now].join(",") }, true);
  };
  const onKey = (event: KeyboardEvent) => {
    if (isWriting(event) || event.metaKey || event.ctrlKey || document.querySelector("[role=dialog]")) return;
    const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
    if (step === 0) return;
    const spans = all().flatMap((row) => row.span ?? []);
    const now = spans.findIndex((span) => span.id === props.selected);
    const next = spans[Math.max(0, Math.min(spans.length - 1, now + step))];
    if (!next) return;
    props.select(next.id);
    const place = all().findIndex((row) => row.span === next) * ROW;
    if (place < box.scrollTop || place > box.scrollTop + high() - 2 * ROW)
      box.scrollTop = Math.max(0, place - high() / 2);
  };
  onMount(() => {
    const sized = new ResizeObserver(() => setHigh(box.clientHeight));
    sized.observe(box);
    document.addEventListener("keydown", onKey);
    onCleanup(() => {
      sized.disconnect();
      document.removeEventListener("keydown", onKey);
    });
  });
  return (
    <div class="waterfall">
      <div class="wf-head dim small">
        <span>{t("{n} spans", { n: props.trace.spans.length })}</span>
        <div class="wf-axis">
          <For each={ticks(length(), 5)}>
            {(at) => (
              <span class="wf-tick mono" ref={(element) => left(element, () => at / length())}>
                {duration(at)}
              </span>
            )}
          </For>
        </div>
      </div>
      <div
        class="wf-body"
        ref={box}
        onScroll={() => setTop(box.scrollTop)}
        role="tree"
        aria-label={t("Spans")}
        tabindex="0"
      >
        <div class="wf-all" ref={(element) => createEffect(() => (element.style.height = `${all().length * ROW}px`))}>
          <For each={seen()}>
            {({ row, at }) => (
              <Line
                row={row}
                at={at}
                length={length()}
                selected={row.span !== undefined && row.span.id === props.selected}
                select={props.select}
                fold={fold}
              />
            )}
          </For>
        </div>
      </div>
    </div>
  );
}

function left(element: HTMLElement, part: () => number) {
  createEffect(() => {
    element.style.left = `${part() * 100}%`;
  });
}

interface LineProps {
  row: Row;
  at: number;
  length: number;
  selected: boolean;
  select: (id: string) => void;
  fold: (span: Span) => void;
}

function Line(props: LineProps) {
  const from = () => props.row.span?.offset ?? props.row.gap?.from ?? 0;
  const wide = () => props.row.span?.duration ?? props.row.gap?.length ?? 0;
  return (
    <div
      class="wf-row"
      classList={{ cursor: props.selected, gap: props.row.gap !== undefined }}
      role="treeitem"
      aria-level={props.row.depth + 1}
      aria-selected={props.selected}
      ref={(element) =>
        createEffect(() => {
          element.style.transform = `translateY(${props.at * ROW}px)`;
        })
      }
      onClick={() => props.row.span && props.select(props.row.span.id)}
    >
      <div
        class="wf-name cut"
        ref={(element) =>
          createEffect(() => (element.style.paddingLeft = `${Math.min(24, props.row.depth) * 12 + 4}px`))
        }
      >
        <Show
          when={props.row.span}
          fallback={
            <span class="dim">
              {t("not accounted for: {service} itself", { service: props.row.gap?.of.service ?? "?" })}
            </span>
          }
        >
          {(span) => (
            <>
              <Show when={props.row.below > 0} fallback={<span class="wf-fold" />}>
                <button
                  class="wf-fold"
                  aria-label={props.row.folded ? t("Unfold") : t("Fold")}
                  onClick={(event) => {
                    event.stopPropagation();
                    props.fold(span());
                  }}
                >
                  {props.row.folded ? `▸` : "▾"}
                </button>
              </Show>
              <b>{span().service ?? "?"}</b> <span class="mono">{span().name}</span>
              <Show when={props.row.folded}>
                <span class="dim small"> +{props.row.below}</span>
              </Show>
            </>
          )}
        </Show>
      </div>
      <div class="wf-lane">
        <i
          class="wf-bar"
          classList={{
            error: Boolean(props.row.span?.error),
            critical: (props.row.span?.critical ?? 0) > 0,
            client: props.row.span?.kind === "client",
            hatch: props.row.gap !== undefined,
          }}
          ref={(element) => {
            left(element, () => from() / props.length);
            createEffect(() => {
              element.style.width = `max(2px, ${(wide() / props.length) * 100}%)`;
            });
          }}
        />
        <span
          class="wf-time mono"
          ref={(element) =>
            createEffect(() => {
              const end = (from() + wide()) / props.length;
              if (end < 0.84) {
                element.style.left = `calc(${end * 100}% + 6px)`;
                element.style.right = "auto";
              } else {
                element.style.left = "auto";
                element.style.right =
                  from() / props.length > 0.16 ? `calc(${(1 - from() / props.length) * 100}% + 6px)` : "8px";
              }
              element.classList.toggle("inside", end >= 0.84 && from() / props.length <= 0.16);
            })
          }
        >
          {props.row.span?.error ? `▲ ${props.row.span.error} ` : ""}
          {duration(wide())}
          {(props.row.span?.critical ?? 0) > 0 ? " ▪" : ""}
        </span>
      </div>
    </div>
  );
}
