/** What runs here, who talks to whom, and what of it needs attention. */
import { createMemo, For, Show } from "solid-js";
import { t } from "../i18n";
import { around, edgeId, grouping as asGrouping, mapView, reach, usualGrouping, type Grouping } from "../lib/map";
import { before } from "../lib/time";
import { afterPaint } from "../state/afterPaint";
import { answer, during } from "../state/answer";
import { href, looked, param, set } from "../state/url";
import { Attention } from "../parts/Attention";
import { EdgePanel, GroupPanel, NodePanel } from "../parts/MapPanels";
import { Find } from "../parts/Find";
import { Overview } from "../parts/Overview";
import { ServiceMap } from "../parts/ServiceMap";
import { FirstRequest, Loss, Shown } from "../parts/states";

export default function MapPage() {
  const topology = answer(() => ({ path: "/api/v1/topology", query: during() }));
  const earlier = answer(() => ({ path: "/api/v1/topology", query: { ...before(looked(), Date.now()) } }), {
    once: true,
  });

  const usual = createMemo<Grouping>((was) => usualGrouping(topology()?.nodes ?? [], was), "none");
  const grouping = () => asGrouping(param("group")) ?? usual();
  const open = createMemo(() => new Set(param("open").split(",").filter(Boolean)));
  const focus = () => param("focus");
  const hops = () => Math.max(1, Math.min(3, Math.round(Number(param("hops"))) || 1));
  // Another map of hundreds is work: what was pressed is seen before it is done.
  const shape = afterPaint(
    createMemo(() => ({ by: grouping(), open: open(), focus: focus(), hops: hops() }), undefined, {
      equals: (a, b) =>
        a?.by === b?.by &&
        [...(a?.open ?? [])].join() === [...b.open].join() &&
        a?.focus === b?.focus &&
        a?.hops === b?.hops,
    }),
  );
  const whole = createMemo(() => mapView(topology() ?? { nodes: [], edges: [] }, shape().by, shape().open));
  const view = createMemo(() => (shape().focus ? around(whole(), shape().focus, shape().hops) : whole()));
  const selected = () => param("node") || param("edge");
  const found = createMemo(() => {
    const text = param("find").toLowerCase();
    return text ? whole().nodes.filter((node) => node.label.toLowerCase().includes(text)) : [];
  });

  /** While another neighbourhood is about to be drawn, all that stands there is left as it is: to mark anything in it costs a frame that nobody looks at. */
  const goes = () => shape().focus !== focus();
  const marked = createMemo<string>((was) => (goes() ? was : selected()), selected());
  const isEdge = (id: string) => id.includes(" → ");
  const isGroup = (id: string) => id.startsWith("group:");
  const standsOut = () => {
    const { edges } = view();
    if (param("find")) return new Set(found().map((node) => node.id));
    const node = param("node");
    if (node && param("show")) {
      const far = reach(edges, node, param("show") === "blast" ? "up" : "down");
      return new Set([
        ...far.keys(),
        ...edges.filter((edge) => far.has(edge.from) && far.has(edge.to)).map((edge) => edge.id),
      ]);
    }
    if (node) {
      const near = edges.filter((edge) => edge.from === node || edge.to === node);
      return new Set([node, ...near.flatMap((edge) => [edge.id, edge.from, edge.to])]);
    }
    const edge = param("edge");
    return edge ? new Set([edge, ...edge.split(" → ")]) : undefined;
  };
  const lit = createMemo<ReadonlySet<string> | undefined>((was) => (goes() ? was : standsOut()));

  const select = (id: string) => {
    set({ node: isEdge(id) ? undefined : id, edge: isEdge(id) ? id : undefined, show: undefined }, true);
  };

  return (
    <>
      <h1 class="hidden">{t("Service map")}</h1>
      <Loss about={topology()?.about} />
      <div class="map-page">
        <div class="map-side-left">
          <div class="head">
            <Find
              enter={() => {
                const first = found()[0];
                if (first) set({ find: undefined, node: first.id, focus: first.id });
              }}
            />
            <Show when={param("find")}>
              <span class="dim small">{t("{n} found; Enter looks at the first", { n: found().length })}</span>
            </Show>
            <label class="flow">
              <span class="dim small">{t("Group by")}</span>
              <select
                value={asGrouping(param("group")) ?? ""}
                onChange={(event) => set({ group: event.currentTarget.value, open: undefined, focus: undefined })}
              >
                <option value="">{t("as it fits")}</option>
                <option value="none">{t("nothing")}</option>
                <option value="prefix">{t("namespace")}</option>
                <option value="host">{t("host")}</option>
                <option value="kind">{t("kind")}</option>
              </select>
            </label>
            <Show when={open().size > 0}>
              <button class="framed" onClick={() => set({ open: undefined })}>
                {t("Close groups")}
              </button>
            </Show>
            <Show when={focus()}>
              <span class="chip">
                {t("around {name}", { name: focus() })}
                <For each={[1, 2, 3]}>
                  {(number) => (
                    <button aria-pressed={hops() === number} onClick={() => set({ hops: String(number) }, true)}>
                      {number}
                    </button>
                  )}
                </For>
                <button
                  aria-label={t("Show all")}
                  title={t("Show all")}
                  onClick={() => set({ focus: undefined, hops: undefined })}
                >
                  ×
                </button>
              </span>
            </Show>
            <span class="dim small right">
              {t("{n} nodes, {m} edges", { n: view().nodes.length, m: view().edges.length })}
            </span>
          </div>
          <Shown of={topology} rows={8}>
            {() => (
              <Show
                when={view().nodes.length > 0}
                fallback={
                  <FirstRequest title={t("Nothing was seen in this time")}>
                    {t(
                      "Weir shows whoever sends or answers a request. Make one on a host with an agent, or look at a longer time.",
                    )}
                  </FirstRequest>
                }
              >
                <ServiceMap
                  view={view()}
                  shape={`${shape().by}|${[...shape().open].join()}|${shape().focus}|${shape().hops}`}
                  selected={marked()}
                  lit={lit()}
                  select={select}
                />
              </Show>
            )}
          </Shown>
        </div>
        <aside class="map-panel" aria-label={t("What is selected")}>
          <Show
            when={marked() ? topology() : undefined}
            fallback={
              <Attention
                now={topology()?.edges}
                earlier={earlier()?.edges}
                nodes={topology()?.nodes}
                earlierNodes={earlier()?.nodes}
                select={select}
                failed={topology.error() !== undefined}
              />
            }
          >
            {(all) => (
              <>
                <button class="close" aria-label={t("Close")} onClick={() => select("")}>
                  ×
                </button>
                <Show when={isEdge(marked())}>
                  <EdgePanel
                    edges={all().edges.filter((edge) => edgeId(edge.client, edge.server) === marked())}
                    earlier={earlier()?.edges ?? []}
                    name={marked()}
                  />
                </Show>
                <Show when={isGroup(marked())}>
                  <GroupPanel node={whole().nodes.find((node) => node.id === marked())} />
                </Show>
                <Show when={!isEdge(marked()) && !isGroup(marked())}>
                  <NodePanel name={marked()} topology={all()} select={select} />
                </Show>
              </>
            )}
          </Show>
        </aside>
      </div>
      <Overview filter="" />
      <p class="dim small">
        <a href={href(["services"])}>{t("All of this as a table")} →</a>
      </p>
    </>
  );
}
