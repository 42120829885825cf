/** One service: what it is asked, by whom, whom it asks, its processes and connections. */
import { Show } from "solid-js";
import type { Edge, Instance, Operation } from "../api/client";
import { t } from "../i18n";
import { and, edgeFilter, term } from "../lib/filter";
import { bytes, count, duration, percent } from "../lib/format";
import { answer, during } from "../state/answer";
import { href, path } from "../state/url";
import { Dependencies } from "../parts/Dependencies";
import { Figure, FigureRow } from "../parts/figures";
import { KindSign, kindName } from "../parts/icons";
import { Overview } from "../parts/Overview";
import { HeadedSection } from "../parts/HeadedSection";
import { Loss, Shown } from "../parts/states";
import { figureColumns, Table, type Column } from "../parts/Table";

export default function ServicePage() {
  const name = () => path()[1] ?? "";
  const service = answer(() => ({ path: "/api/v1/services/{name}", names: { name: name() }, query: during() }), {
    about: name,
  });
  const queries = answer(() => ({
    path: "/api/v1/operations",
    query: {
      ...during(),
      filter: and(term("client", name()), "db.query.summary exists"),
      by: "server,db.query.summary",
      limit: 8,
    },
  }));
  const sent = () => queries()?.operations ?? [];
  const answers = () => (service()?.service.inbound.count ?? 1) > 0;
  return (
    <>
      <div class="head">
        <h1 class="flow">
          <Show when={service()}>{(found) => <KindSign kind={found().service.kind} />}</Show>
          {name()}
        </h1>
        <Show when={service()}>
          {(found) => (
            <span class="dim">
              {[kindName(found().service.kind), ...found().service.protocols, ...found().service.hosts].join(" · ")}
            </span>
          )}
        </Show>
        <span class="right flow">
          <a class="button" href={href([], { node: name(), focus: name() })}>
            {t("On the map")} →
          </a>
          <a class="button" href={href(["requests"], { filter: term(answers() ? "server" : "client", name()) })}>
            {t("Requests")} →
          </a>
          <a class="button" href={href(["compare"], { filter: term("server", name()) })}>
            {t("Compare")} →
          </a>
        </span>
      </div>
      <Loss about={service()?.about} />
      <Shown of={service} rows={3}>
        {(found) => (
          <>
            <FigureRow large figures={answers() ? found().service.inbound : found().service.outbound} />
            <Overview filter={term(answers() ? "server" : "client", name())} />
            <div class="columns">
              <Show when={found().operations.length > 0}>
                <HeadedSection
                  title={t("Operations")}
                  note={t("by total time")}
                  more={
                    <a
                      class="dim small"
                      href={href(["requests"], { filter: term("server", name()), view: "operations" })}
                    >
                      {t("all")} →
                    </a>
                  }
                >
                  <Operations
                    operations={found().operations.slice(0, 12)}
                    to={(name_) => and(term("server", name()), term("name", name_))}
                  />
                </HeadedSection>
              </Show>
              <Show when={sent().length > 0}>
                <HeadedSection title={t("Queries that it sends")} note={t("by total time")}>
                  <Operations operations={sent()} to={(query) => and(term("client", name()), term("query", query))} />
                </HeadedSection>
              </Show>
              <Edges
                title={t("Callers")}
                edges={found().callers}
                end="client"
                empty={t("Nobody asked it in this time, as far as Weir saw.")}
              />
              <Edges
                title={t("Callees")}
                edges={found().callees}
                end="server"
                empty={t("It asked nobody in this time, as far as Weir saw.")}
              />
              <HeadedSection title={t("Instances")} note={found().instances.length}>
                <Table limited rows={found().instances} columns={processColumns(name())} />
              </HeadedSection>
              <HeadedSection title={t("TCP health")} note={t("connections that ended in this time")}>
                <Show
                  when={found().tcp.connections > 0}
                  fallback={
                    <p class="dim">{t("None ended in this time. Those that are open are told when they end.")}</p>
                  }
                >
                  <div class="figures">
                    <Figure value={count(found().tcp.connections)} name={t("connections")} />
                    <Figure
                      value={`${count(found().tcp.failures)} (${percent(found().tcp.failures / found().tcp.connections)})`}
                      name={t("failed or broken off")}
                      bad={found().tcp.failures > 0}
                    />
                    <Figure value={count(found().tcp.retransmits)} name={t("packets sent again")} />
                    <Figure value={duration(found().tcp.rtt)} name={t("round trip, mean")} />
                    <Figure value={duration(found().tcp.connect)} name={t("to connect, mean")} />
                    <Figure value={bytes(found().tcp.bytes)} name={t("moved")} />
                  </div>
                </Show>
              </HeadedSection>
            </div>
            <Dependencies name={name()} />
          </>
        )}
      </Shown>
    </>
  );
}

/** What a process is shown by: what it answers, as its service is, or what it asks where it answers nothing. */
const shown = (one: Instance) => (one.inbound.count > 0 ? one.inbound : one.outbound);

function processColumns(service: string): Column<Instance>[] {
  const filter = (one: Instance) =>
    and(term("service", service), one.pid ? term("pid", one.pid) : "", one.host ? term("host", one.host) : "");
  return [
    {
      head: t("Process"),
      cell: (one) => (
        <a href={href(["requests"], { filter: filter(one) })}>
          {one.command ?? "–"} <span class="mono dim">{one.pid}</span>
        </a>
      ),
    },
    { head: t("Host"), class: "dim", cell: (one) => one.host ?? "–" },
    ...figureColumns<Instance>(shown),
  ];
}

/** What is asked, or what it asks: by the second key. */
function Operations(props: { operations: readonly Operation[]; to: (name: string | null | undefined) => string }) {
  return (
    <Table
      rows={props.operations}
      columns={[
        {
          head: t("Operation"),
          fill: true,
          title: (one) => one.keys[1] ?? "–",
          cell: (one) => <a href={href(["requests"], { filter: props.to(one.keys[1]) })}>{one.keys[1] ?? "–"}</a>,
        },
        { head: t("Share"), num: true, class: "dim", cell: (one) => percent(one.share) },
        ...figureColumns<Operation>((one) => one.figures),
      ]}
    />
  );
}

function Edges(props: { title: string; edges: readonly Edge[]; end: "client" | "server"; empty: string }) {
  return (
    <HeadedSection title={props.title} note={props.edges.length}>
      <Show when={props.edges.length > 0} fallback={<p class="dim">{props.empty}</p>}>
        <Table
          limited
          rows={props.edges}
          columns={[
            {
              head: t("Service"),
              fill: true,
              cell: (edge) => <a href={href(["services", edge[props.end]])}>{edge[props.end]}</a>,
            },
            {
              head: t("Protocol"),
              class: "dim",
              cell: (edge) => <a href={href(["requests"], { filter: edgeFilter(edge) })}>{edge.protocol}</a>,
            },
            ...figureColumns<Edge>((edge) => edge.figures),
          ]}
        />
      </Show>
    </HeadedSection>
  );
}
