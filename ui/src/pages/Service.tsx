/** One service: what it is asked, by whom, whom it asks, its processes and connections. */
import { For, Show } from "solid-js";
import type { Edge, Figures, Operation } from "../api/client";
import { t } from "../i18n";
import { and, term } from "../lib/filter";
import { bytes, count, duration, percent } from "../lib/format";
import { answer, during } from "../state/answer";
import { href, path } from "../state/url";
import { Dependencies } from "../parts/Dependencies";
import { FigureCells, FigureRow } from "../parts/figures";
import { KindSign, kindName } from "../parts/icons";
import { Overview } from "../parts/Overview";
import { Loss, Shown } from "../parts/states";

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
                <section class="section">
                  <div class="flow">
                    <h2>{t("Operations")}</h2>
                    <span class="dim small">{t("by total time")}</span>
                    <a
                      class="dim small right"
                      href={href(["requests"], { filter: term("server", name()), view: "operations" })}
                    >
                      {t("all")} →
                    </a>
                  </div>
                  <OperationTable
                    operations={found().operations.slice(0, 12)}
                    name={(operation) => operation.keys[1] ?? "–"}
                    to={(operation) => and(term("server", name()), term("name", operation.keys[1]))}
                  />
                </section>
              </Show>
              <Show when={(queries()?.operations.length ?? 0) > 0}>
                <section class="section">
                  <div class="flow">
                    <h2>{t("Queries that it sends")}</h2>
                    <span class="dim small">{t("by total time")}</span>
                  </div>
                  <OperationTable
                    operations={queries()!.operations}
                    name={(operation) => `${operation.keys[1] ?? "–"}`}
                    to={(operation) => and(term("client", name()), term("query", operation.keys[1]))}
                  />
                </section>
              </Show>
              <EdgeTable
                title={t("Callers")}
                edges={found().callers}
                end="client"
                empty={t("Nobody asked it in this time, as far as Weir saw.")}
              />
              <EdgeTable
                title={t("Callees")}
                edges={found().callees}
                end="server"
                empty={t("It asked nobody in this time, as far as Weir saw.")}
              />
              <section class="section">
                <div class="flow">
                  <h2>{t("Instances")}</h2>
                  <span class="dim small">{found().instances.length}</span>
                </div>
                <div class="scroll limited">
                  <table>
                    <thead>
                      <tr>
                        <th>{t("Process")}</th>
                        <th>{t("Host")}</th>
                        <FigureHeads />
                      </tr>
                    </thead>
                    <tbody>
                      <For each={found().instances}>
                        {(instance) => (
                          <tr>
                            <td>
                              <a
                                href={href(["requests"], {
                                  filter: and(
                                    term("service", name()),
                                    instance.pid ? term("pid", instance.pid) : "",
                                    instance.host ? term("host", instance.host) : "",
                                  ),
                                })}
                              >
                                {instance.command ?? "–"} <span class="mono dim">{instance.pid}</span>
                              </a>
                            </td>
                            <td class="dim">{instance.host ?? "–"}</td>
                            <FigureCells figures={busier(instance.inbound, instance.outbound)} />
                          </tr>
                        )}
                      </For>
                    </tbody>
                  </table>
                </div>
              </section>
              <section class="section">
                <div class="flow">
                  <h2>{t("TCP health")}</h2>
                  <span class="dim small">{t("connections that ended in this time")}</span>
                </div>
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
              </section>
            </div>
            <Dependencies name={name()} />
          </>
        )}
      </Shown>
    </>
  );
}

const busier = (a: Figures, b: Figures) => (a.count >= b.count ? a : b);

function Figure(props: { value: string; name: string; bad?: boolean }) {
  return (
    <div class="figure">
      <b class={props.bad ? "error" : ""}>
        {props.bad ? "▲ " : ""}
        {props.value}
      </b>
      <span>{props.name}</span>
    </div>
  );
}

function FigureHeads() {
  return (
    <>
      <th class="num">{t("Rate")}</th>
      <th class="num">{t("Errors")}</th>
      <th class="num">p50</th>
      <th class="num">p95</th>
      <th class="num">p99</th>
    </>
  );
}

function OperationTable(props: {
  operations: readonly Operation[];
  name: (operation: Operation) => string;
  to: (operation: Operation) => string;
}) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>{t("Operation")}</th>
            <th class="num">{t("Share")}</th>
            <FigureHeads />
          </tr>
        </thead>
        <tbody>
          <For each={props.operations}>
            {(operation) => (
              <tr>
                <td class="fill" title={props.name(operation)}>
                  <a href={href(["requests"], { filter: props.to(operation) })}>{props.name(operation)}</a>
                </td>
                <td class="num dim">{percent(operation.share)}</td>
                <FigureCells figures={operation.figures} />
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}

function EdgeTable(props: { title: string; edges: readonly Edge[]; end: "client" | "server"; empty: string }) {
  return (
    <section class="section">
      <div class="flow">
        <h2>{props.title}</h2>
        <span class="dim small">{props.edges.length}</span>
      </div>
      <Show when={props.edges.length > 0} fallback={<p class="dim">{props.empty}</p>}>
        <div class="scroll limited">
          <table>
            <thead>
              <tr>
                <th>{t("Service")}</th>
                <th>{t("Protocol")}</th>
                <FigureHeads />
              </tr>
            </thead>
            <tbody>
              <For each={props.edges}>
                {(edge) => (
                  <tr>
                    <td class="fill">
                      <a href={href(["services", edge[props.end]])}>{edge[props.end]}</a>
                    </td>
                    <td class="dim">
                      <a
                        href={href(["requests"], {
                          filter: and(
                            "",
                            term("client", edge.client),
                            term("server", edge.server),
                            term("protocol", edge.protocol),
                          ),
                        })}
                      >
                        {edge.protocol}
                      </a>
                    </td>
                    <FigureCells figures={edge.figures} />
                  </tr>
                )}
              </For>
            </tbody>
          </table>
        </div>
      </Show>
    </section>
  );
}
