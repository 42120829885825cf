/** What needs attention: first the answer, with the evidence and the way to the rows. */
import { createMemo, For, Show } from "solid-js";
import type { Edge, Node } from "../api/client";
import { t } from "../i18n";
import { and, edgeFilter } from "../lib/filter";
import { count, duration, percent } from "../lib/format";
import { concerns, edgeId, type Concern } from "../lib/map";
import { lines, since } from "../lib/series";
import { clock, exact, isRelative } from "../lib/time";
import { answer, during } from "../state/answer";
import { href, looked } from "../state/url";
import { Errors, state } from "./figures";
import { Skeleton } from "./states";

/** So many are told of. */
const MOST = 6;

interface Props {
  now: readonly Edge[] | undefined;
  earlier: readonly Edge[] | undefined;
  nodes: readonly Node[] | undefined;
  earlierNodes: readonly Node[] | undefined;
  select: (id: string) => void;
  /** There is no answer, and beside this is said why. */
  failed: boolean;
}

export function Attention(props: Props) {
  const all = createMemo(() => concerns(props.now ?? [], props.earlier));
  const told = createMemo(() =>
    all()
      .filter((one) => one.kind !== "new")
      .slice(0, MOST),
  );
  const fresh = createMemo(() => {
    if (!props.earlierNodes?.length) return [];
    const known = new Set(props.earlierNodes.map((node) => node.name));
    return (props.nodes ?? []).filter((node) => !known.has(node.name));
  });
  return (
    <section class="attention">
      <h2>{t("Needs attention")}</h2>
      <Show
        when={props.now}
        fallback={
          <Show when={!props.failed}>
            <Skeleton rows={4} />
          </Show>
        }
      >
        <For
          each={told()}
          fallback={
            <p class="dim">
              {props.now?.length
                ? t("Nothing: no edge fails for 1 % or more, and none is slower than in the time before.")
                : t("Nothing is known: nobody asked anything in this time.")}
            </p>
          }
        >
          {(one) => <One concern={one} select={props.select} />}
        </For>
        <Show when={all().filter((one) => one.kind !== "new").length > MOST}>
          <p class="small">
            <a class="dim" href={href(["compare"])}>
              {t("{n} more, in Compare", { n: all().filter((one) => one.kind !== "new").length - MOST })} →
            </a>
          </p>
        </Show>
        <Show when={fresh().length > 0}>
          <div class="concern">
            <span class="sign dim">●</span>
            <div>
              {t("{n} new since the time before", { n: fresh().length })}
              <p class="dim small">
                {fresh()
                  .slice(0, 4)
                  .map((node) => node.name)
                  .join(", ")}
                {fresh().length > 4 ? " …" : ""}
              </p>
            </div>
          </div>
        </Show>
      </Show>
      <Agents />
    </section>
  );
}

function One(props: { concern: Concern; select: (id: string) => void }) {
  const edge = () => props.concern.edge;
  const filter = () => edgeFilter(edge());
  /** What became slower deserves a look; what fails is as bad as the part that does. */
  const sign = () =>
    props.concern.kind === "errors" ? state(edge().figures.errors, edge().figures.error_ratio) || "warn" : "warn";
  const series = answer(() => ({ path: "/api/v1/series", query: { ...during(), filter: filter(), limit: 1 } }), {
    once: true,
  });
  const began = createMemo(() => {
    const found = series();
    if (!found) return undefined;
    const drawn = lines(
      found.series[0]?.points ?? [],
      Date.parse(found.about.from) / 1000,
      Date.parse(found.about.to) / 1000,
      found.step,
    );
    return since(drawn.times, props.concern.kind === "errors" ? drawn.errors : drawn.p95);
  });
  return (
    <div class="concern">
      <span class={`sign ${sign()}`}>{sign() === "error" ? "▲" : "△"}</span>
      <div class="cut">
        <button class="plain cut" onClick={() => props.select(edgeId(edge().client, edge().server))}>
          {edge().client} → <b>{edge().server}</b>
        </button>
        <p class="small cut">
          <Show
            when={props.concern.kind === "errors"}
            fallback={
              <span class="warn">
                p95 {duration(props.concern.was?.p95)} → {duration(edge().figures.p95)}
              </span>
            }
          >
            <Errors figures={edge().figures} />{" "}
            <span class="dim">{t("of {n} fail", { n: count(edge().figures.count) })}</span>
          </Show>
          <span class="dim">
            {" · "}
            {edge().protocol}
          </span>
          <Show when={began()}>
            {(at) => (
              <span class="dim" title={exact(at() * 1000)}>
                {" · "}
                {t("since {time}", { time: clock(at() * 1000).slice(0, 5) })}
              </span>
            )}
          </Show>
          {" · "}
          <a
            class="dim"
            href={href(["requests"], {
              filter: and(
                filter(),
                props.concern.kind === "errors"
                  ? "status = error"
                  : `duration > ${Math.max(1, Math.round((props.concern.was?.p95 ?? 0) * 1e6))}us`,
              ),
            })}
          >
            {t("requests")} →
          </a>
        </p>
      </div>
    </div>
  );
}

function Agents() {
  const agents = answer(() => ({ path: "/api/v1/agents", query: during() }));
  return (
    <Show when={agents()}>
      {(found) => (
        <p class="small dim agents">
          <a href={href(["hosts"])}>
            <Show when={found().agents.length > 0} fallback={t("No agent told of itself in this time")}>
              {isRelative(looked())
                ? t("agents {well}/{all}", {
                    well: found().agents.filter((agent) => !agent.away).length,
                    all: found().agents.length,
                  })
                : t("agents {n}", { n: found().agents.length })}
              {" · "}
              {t("lost {part}", { part: percent(found().about.coverage.lost_ratio) })}
            </Show>
          </a>
        </p>
      )}
    </Show>
  );
}
