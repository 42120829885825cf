/** A trace: what a request brought about, in order, and how that is known. */
import { createMemo, createSignal, For, Show } from "solid-js";
import type { Span, Trace } from "../api/client";
import { t } from "../i18n";
import { duration, percent } from "../lib/format";
import { COLUMN, layout, ROW } from "../lib/layout";
import { clock, exact } from "../lib/time";
import { traceEdges } from "../lib/waterfall";
import { answer } from "../state/answer";
import { href, param, path, set } from "../state/url";
import { Shown } from "../parts/states";
import { evidenceWords, Waterfall } from "../parts/Waterfall";

export default function TracePage() {
  const id = () => path()[1] ?? "";
  const trace = answer(() => ({ path: "/api/v1/traces/{id}", names: { id: id() } }), { about: id, once: true });
  return (
    <Shown of={trace} rows={10}>
      {(found) => <Body trace={found()} />}
    </Shown>
  );
}

function Body(props: { trace: Trace }) {
  const root = () => props.trace.spans[0];
  const selected = createMemo(() => {
    const wanted = param("span");
    const asked = param("request");
    return (
      props.trace.spans.find((span) => span.id === wanted) ??
      props.trace.spans.find((span) => asked !== "" && span.request === asked) ??
      root()
    );
  });
  const evidences = createMemo(() => [...new Set(props.trace.spans.flatMap((span) => span.evidence ?? []))]);
  const [copied, setCopied] = createSignal(false);
  const copy = () =>
    void navigator.clipboard?.writeText(window.location.href).then(() => {
      setCopied(true);
      window.setTimeout(() => setCopied(false), 1500);
    });
  return (
    <>
      <div class="head">
        <h1 class="cut">{root()?.name ?? t("Trace")}</h1>
        <span class="dim">{root()?.service}</span>
        <Show when={props.trace.errors > 0} fallback={<span class="chip">ok</span>}>
          <span class="chip error">▲ {t("{n} failed", { n: props.trace.errors })}</span>
        </Show>
        <b class="mono">{duration(props.trace.duration)}</b>
        <span class="dim mono" title={exact(Date.parse(props.trace.time))}>
          {clock(Date.parse(props.trace.time), true)}
        </span>
        <span class="right flow">
          <button class="framed" onClick={copy}>
            {copied() ? t("Copied") : t("Copy link")}
          </button>
        </span>
      </div>
      <p class="dim small">
        {t("{n} spans", { n: props.trace.spans.length })} · {props.trace.services.join(", ")} ·{" "}
        {evidences().length > 0 ? t("joined by {evidence}", { evidence: evidences().join(", ") }) : t("a single span")}{" "}
        · <span class="mono">{props.trace.ids[0] ?? props.trace.id}</span>
      </p>
      <Show when={props.trace.cut}>
        <p class="notice hatched">{t("The trace has more spans than are shown.")}</p>
      </Show>
      <Show when={(props.trace.damaged ?? []).length > 0}>
        <p class="notice hatched">
          {t("A part of the store is damaged and left out: {files}", { files: (props.trace.damaged ?? []).join(", ") })}
        </p>
      </Show>
      <div class="trace">
        <Waterfall trace={props.trace} selected={selected()?.id ?? ""} select={(id) => set({ span: id }, true)} />
        <aside class="trace-side">
          <Show when={selected()}>{(span) => <SpanPanel span={span()} trace={props.trace} />}</Show>
          <SmallMap trace={props.trace} />
        </aside>
      </div>
      <p class="small dim legend-line">
        <span>
          <i class="wf-key critical" /> {t("on the critical path: the trace took that much longer because of it (▪)")}
        </span>
        <span>
          <i class="wf-key" /> {t("beside it")}
        </span>
        <span>
          <i class="wf-key hatch" /> {t("not accounted for: nothing that is known was under way")}
        </span>
      </p>
    </>
  );
}

function SpanPanel(props: { span: Span; trace: Trace }) {
  const parent = () => props.trace.spans.find((span) => span.id === props.span.parent);
  const facts = (): [string, string][] => [
    [t("service"), props.span.service ?? "–"],
    [t("host"), props.span.host ?? "–"],
    [t("seen as"), [props.span.kind, props.span.protocol].filter(Boolean).join(", ") || "–"],
    [t("begins at"), `+${duration(props.span.offset)}`],
    [t("took"), duration(props.span.duration)],
    [
      t("of that, itself"),
      `${duration(props.span.own)} (${percent(props.span.duration > 0 ? props.span.own / props.span.duration : 0)})`,
    ],
    [t("on the critical path"), duration(props.span.critical)],
    [
      t("told by"),
      props.span.source === "otlp" ? t("the program (OpenTelemetry)") : t("an agent (seen in the kernel)"),
    ],
  ];
  return (
    <section class="panel">
      <h2 class="panel-title mono">{props.span.name}</h2>
      <Show when={props.span.error}>{(error) => <p class="notice error">▲ {error()}</p>}</Show>
      <dl class="facts">
        <For each={facts()}>
          {([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd class="mono">{value}</dd>
            </>
          )}
        </For>
      </dl>
      <p class="small evidence">
        <b>{t("Why it is here")}</b>
        <Show when={props.span.evidence}>{(evidence) => <span class="chip mono">{evidence()}</span>}</Show>{" "}
        <span class="dim">
          {evidenceWords(props.span.evidence)}
          <Show when={parent()}>
            {(span) => (
              <>
                {" "}
                ({span().service} {span().name})
              </>
            )}
          </Show>
        </span>
      </p>
      <Show when={props.span.request}>
        {(request) => (
          <a class="button" href={href(["requests", request()])}>
            {t("The request")} →
          </a>
        )}
      </Show>
      <Show when={Object.keys(props.span.attributes ?? {}).length > 0}>
        <dl class="facts">
          <For each={Object.entries(props.span.attributes ?? {})}>
            {([name, value]) => (
              <>
                <dt class="mono">{name}</dt>
                <dd class="mono">{typeof value === "object" ? JSON.stringify(value) : String(value)}</dd>
              </>
            )}
          </For>
        </dl>
      </Show>
    </section>
  );
}

/** The small map, in pixels: its width, from a row to the next, what is between columns, a node's height, and the mean width of a letter. */
const [SMALL, SMALL_ROW, SMALL_GAP, SMALL_HIGH, SMALL_LETTER] = [300, 32, 16, 22, 6.6] as const;

/** Who asked whom in this trace. */
function SmallMap(props: { trace: Trace }) {
  const edges = createMemo(() => traceEdges(props.trace.spans));
  const drawn = createMemo(() => {
    const asks = new Set(edges().map((edge) => edge.from));
    return layout(
      props.trace.services.map((service) => ({ id: service, store: !asks.has(service) })),
      edges(),
    );
  });
  // One unit is a pixel, so that letters have the size that they have elsewhere; columns share the width that there is.
  const column = () => SMALL / Math.max(2, Math.round(drawn().width / COLUMN));
  const wide = () => column() - SMALL_GAP;
  const letters = () => Math.max(3, Math.floor((wide() - 8) / SMALL_LETTER));
  const place = (id: string) => {
    const { x, y } = drawn().places.get(id) ?? { x: 0, y: 0 };
    return { x: (x / COLUMN) * column(), y: (y / ROW) * SMALL_ROW };
  };
  const way = (from: string, to: string) => {
    const [a, b] = [place(from), place(to)];
    const [x1, y1, x2, y2] = [a.x + wide(), a.y + SMALL_HIGH / 2, b.x, b.y + SMALL_HIGH / 2];
    const pull = Math.max(10, Math.abs(x2 - x1) / 2);
    return `M${x1} ${y1}C${x1 + pull} ${y1} ${x2 - pull} ${y2} ${x2} ${y2}`;
  };
  return (
    <Show when={edges().length > 0}>
      <section class="section">
        <h3>{t("Who asked whom in this trace")}</h3>
        <svg
          class="map-svg small-map"
          viewBox={`-1 -1 ${SMALL} ${(drawn().height / ROW) * SMALL_ROW}`}
          role="img"
          aria-label={t("Who asked whom in this trace")}
        >
          <For each={edges()}>
            {(edge) => (
              <g class={`edge ${edge.errors > 0 ? "error" : "lat-2"}`}>
                <path class="line" stroke-width={2} d={way(edge.from, edge.to)} />
              </g>
            )}
          </For>
          <For each={props.trace.services}>
            {(service) => (
              <g class="node" transform={`translate(${place(service).x} ${place(service).y})`}>
                <rect class="box" width={wide()} height={SMALL_HIGH} rx="4">
                  <title>{service}</title>
                </rect>
                <text x="6" y="15">
                  {service.length > letters() ? `${service.slice(0, letters() - 1)}…` : service}
                </text>
              </g>
            )}
          </For>
        </svg>
        <ul class="plain-list one">
          <For each={edges()}>
            {(edge) => (
              <li class="small dim">
                {edge.from} → {edge.to}: {edge.count}×, {duration(edge.time)}
                {edge.errors > 0 ? `, ▲ ${edge.errors}` : ""}
              </li>
            )}
          </For>
        </ul>
      </section>
    </Show>
  );
}
