/** The panel of what is selected on the map. */
import { createMemo, For, Show } from "solid-js";
import type { Edge, Figures, Operation, Topology } from "../api/client";
import { t } from "../i18n";
import { and, edgeFilter, term } from "../lib/filter";
import { bytes, count, duration, rate } from "../lib/format";
import { edgeId, reach, type MapNode } from "../lib/map";
import { answer, during } from "../state/answer";
import { href, param, set } from "../state/url";
import { DependencyLine } from "./Dependencies";
import { Errors, FigureRow } from "./figures";
import { KindSign, kindName } from "./icons";
import { Shown } from "./states";
import { Table, type Column } from "./Table";

export function NodePanel(props: { name: string; topology: Topology; select: (id: string) => void }) {
  const service = answer(() => ({ path: "/api/v1/services/{name}", names: { name: props.name }, query: during() }), {
    about: () => props.name,
  });
  const edges = createMemo(() => props.topology.edges.map((edge) => ({ from: edge.client, to: edge.server })));
  const affected = createMemo(() => reach(edges(), props.name, "up").size - 1);
  const needed = createMemo(() => reach(edges(), props.name, "down").size - 1);
  const show = (what: string) => set({ show: param("show") === what ? undefined : what }, true);
  return (
    <Shown of={service}>
      {(found) => (
        <div class="panel">
          <h2 class="panel-title">
            <KindSign kind={found().service.kind} />
            <a class="cut" href={href(["services", props.name])}>
              {props.name}
            </a>
          </h2>
          <p class="dim small">
            {kindName(found().service.kind)}
            {found().service.protocols.length > 0 ? ` · ${found().service.protocols.join(", ")}` : ""}
            {found().service.hosts.length > 0 ? ` · ${found().service.hosts.join(", ")}` : ""}
          </p>
          <FigureRow figures={found().service.inbound.count > 0 ? found().service.inbound : found().service.outbound} />
          <div class="flow wrap">
            <a class="button" href={href(["services", props.name])}>
              {t("Service page")} →
            </a>
            <a class="button" href={href(["requests"], { filter: term("server", props.name) })}>
              {t("Requests")} →
            </a>
            <button
              class="framed"
              aria-pressed={param("focus") === props.name}
              onClick={() => set({ focus: param("focus") === props.name ? undefined : props.name })}
            >
              {t("Neighbourhood")}
            </button>
          </div>
          <div class="flow wrap">
            <button class="framed" aria-pressed={param("show") === "blast"} onClick={() => show("blast")}>
              {t("Blast radius")}: {affected()}
            </button>
            <button class="framed" aria-pressed={param("show") === "needs"} onClick={() => show("needs")}>
              {t("Depends on")}: {needed()}
            </button>
          </div>
          <DependencyLine name={props.name} />
          <Ends title={t("Callers")} edges={found().callers} other="client" select={props.select} />
          <Ends title={t("Callees")} edges={found().callees} other="server" select={props.select} />
        </div>
      )}
    </Shown>
  );
}

/** As many figures as the panel has room for. */
function short<T>(of: (row: T) => Figures): Column<T>[] {
  return [
    { num: true, cell: (row) => rate(of(row).rate) },
    { num: true, cell: (row) => <Errors figures={of(row)} /> },
    { num: true, cell: (row) => duration(of(row).p95) },
  ];
}

function Ends(props: {
  title: string;
  edges: readonly Edge[];
  other: "client" | "server";
  select: (id: string) => void;
}) {
  return (
    <Show when={props.edges.length > 0}>
      <h3>
        {props.title} {props.edges.length}
      </h3>
      <Table
        class="tight"
        rows={props.edges.slice(0, 12)}
        open={(edge) => props.select(edgeId(edge.client, edge.server))}
        columns={[
          {
            fill: true,
            title: (edge) => edge[props.other],
            cell: (edge) => (
              <button class="plain cut" onClick={() => props.select(edgeId(edge.client, edge.server))}>
                {edge[props.other]}
              </button>
            ),
          },
          { class: "dim small", cell: (edge) => edge.protocol },
          ...short<Edge>((edge) => edge.figures),
        ]}
      />
    </Show>
  );
}

export function EdgePanel(props: { edges: readonly Edge[]; earlier: readonly Edge[]; name: string }) {
  const was = (edge: Edge) =>
    props.earlier.find(
      (other) => other.client === edge.client && other.server === edge.server && other.protocol === edge.protocol,
    );
  return (
    <div class="panel">
      <h2 class="panel-title">{props.name}</h2>
      <For each={props.edges} fallback={<p class="dim">{t("No requests in this time.")}</p>}>
        {(edge) => {
          const filter = () => edgeFilter(edge);
          return (
            <div class="panel-part">
              <p class="dim small">
                {edge.protocol} ·{" "}
                {edge.crosses_zones ? t("between zones") : edge.crosses_hosts ? t("between hosts") : t("on one host")} ·{" "}
                {t("{n} requests", { n: count(edge.figures.count) })}
              </p>
              <FigureRow figures={edge.figures} />
              <Show when={was(edge)}>
                {(old) => (
                  <p class="small dim">
                    {t("In the time before")}: {rate(old().figures.rate)}, p95 {duration(old().figures.p95)}
                  </p>
                )}
              </Show>
              <Show when={edge.seen_by_client && edge.seen_by_server}>
                <p class="small dim">
                  p95 {t("as the client saw it")} {duration(edge.seen_by_client?.p95)}, {t("as the server saw it")}{" "}
                  {duration(edge.seen_by_server?.p95)}: {t("the difference is the way and the queue")}
                </p>
              </Show>
              <Show when={edge.tcp}>
                {(tcp) => (
                  <p class="small dim">
                    TCP: {t("{n} connections", { n: count(tcp().connections) })},{" "}
                    {t("{n} failed", { n: count(tcp().failures) })},{" "}
                    {t("{n} packets sent again", { n: count(tcp().retransmits) })}, RTT {duration(tcp().rtt)},{" "}
                    {bytes(tcp().bytes)}
                  </p>
                )}
              </Show>
              <Operations filter={filter()} />
              <div class="flow wrap">
                <a class="button" href={href(["requests"], { filter: filter() })}>
                  {t("Requests")} →
                </a>
                <a class="button" href={href(["requests"], { filter: and(filter(), "status = error") })}>
                  {t("Failed ones")} →
                </a>
              </div>
            </div>
          );
        }}
      </For>
    </div>
  );
}

function Operations(props: { filter: string }) {
  const top = answer(() => ({
    path: "/api/v1/operations",
    query: { ...during(), filter: props.filter, by: "name", limit: 6 },
  }));
  return (
    <Shown of={top} rows={3}>
      {(found) => (
        <Table
          class="tight"
          rows={found().operations}
          columns={[
            {
              fill: true,
              title: (one) => one.keys[0] ?? "",
              cell: (one) => (
                <a href={href(["requests"], { filter: and(props.filter, term("name", one.keys[0])) })}>
                  {one.keys[0] ?? "–"}
                </a>
              ),
            },
            ...short<Operation>((one) => one.figures),
          ]}
        />
      )}
    </Shown>
  );
}

export function GroupPanel(props: { node: MapNode | undefined }) {
  const openIt = () => {
    const open = new Set(param("open").split(",").filter(Boolean));
    open.add((props.node?.id ?? "").slice(6));
    set({ open: [...open].join(","), node: undefined });
  };
  return (
    <Show when={props.node} fallback={<p class="dim">{t("No requests in this time.")}</p>}>
      {(node) => (
        <div class="panel">
          <h2 class="panel-title">{node().label}</h2>
          <div class="flow">
            <button class="framed" onClick={openIt}>
              {t("Open the group")}
            </button>
          </div>
          <ul class="plain-list">
            <For each={node().members}>
              {(name) => (
                <li>
                  <a href={href(["services", name])}>{name}</a>
                </li>
              )}
            </For>
          </ul>
        </div>
      )}
    </Show>
  );
}
