/** One request: all that is known of it, its connection, and its trace. */
import { createMemo, For, Show } from "solid-js";
import type { Record_ } from "../api/client";
import { t } from "../i18n";
import { end } from "../lib/fields";
import { and, term } from "../lib/filter";
import { bytes, count, duration } from "../lib/format";
import { exact, iso } from "../lib/time";
import { answer } from "../state/answer";
import { go, href, path } from "../state/url";
import { Shown } from "../parts/states";
import { Waterfall } from "../parts/Waterfall";

export default function RequestPage() {
  const id = () => path()[1] ?? "";
  const request = answer(() => ({ path: "/api/v1/requests/{id}", names: { id: id() } }), { about: id, once: true });
  return (
    <Shown of={request} rows={8}>
      {(found) => <Body record={found()} />}
    </Shown>
  );
}

type Fact = readonly [name: string, value: string | undefined | null, filter?: string | undefined];

function Body(props: { record: Record_ }) {
  const record = () => props.record;
  const trace = answer(() => ({ path: "/api/v1/traces/{id}", names: { id: record().trace ?? record().id } }), {
    once: true,
  });
  const around = createMemo(() => {
    const at = Date.parse(record().time);
    return { from: iso(at - 300_000), to: iso(at + 300_000) };
  });
  const connections = answer(
    () => ({
      path: "/api/v1/connections",
      query: {
        from: iso(Date.parse(record().time) - 3_600_000),
        to: "now",
        filter: term("connection", record().connection),
        limit: 1,
      },
    }),
    { once: true },
  );
  const address = (side: Record_["client"]) =>
    side.address ? `${side.address}${side.port ? `:${side.port}` : ""}` : undefined;
  const facts = (): Fact[] => [
    [t("time"), exact(Date.parse(record().time))],
    [t("duration"), duration(record().duration), `duration >= ${Math.round(record().duration * 1e9)}ns`],
    [t("client"), end(record().client), record().client.service ? term("client", record().client.service) : undefined],
    [
      t("client's address"),
      address(record().client),
      record().client.address ? term("client.address", record().client.address) : undefined,
    ],
    [t("server"), end(record().server), record().server.service ? term("server", record().server.service) : undefined],
    [t("server's address"), address(record().server)],
    [t("protocol"), record().protocol, term("protocol", record().protocol)],
    [
      t("seen by"),
      `${record().role === "client" ? t("the client's side") : t("the server's side")}`,
      term("role", record().role),
    ],
    [t("host"), record().host, record().host ? term("host", record().host) : undefined],
    [
      t("process"),
      record().process ? `${record().process?.command ?? ""} ${record().process?.pid ?? ""}` : undefined,
      record().process ? term("pid", String(record().process?.pid)) : undefined,
    ],
    [t("request"), bytes(record().request.bytes)],
    [t("response"), bytes(record().response.bytes)],
    [t("waiting"), record().waiting ? t("yes: the caller wished to wait, this is no latency") : undefined],
    [t("incomplete"), record().incomplete ? t("{what} was not seen", { what: record().incomplete ?? "" }) : undefined],
  ];
  const attributes = (): Fact[] =>
    Object.entries(record().attributes ?? {}).map(([name, value]) => {
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      return [name, text, term(name, text)] as const;
    });
  return (
    <>
      <div class="head">
        <h1 class="cut">{record().name}</h1>
        <Show
          when={record().status === "ok"}
          fallback={<span class="chip error">▲ {record().error ?? t("failed")}</span>}
        >
          <span class="chip">ok</span>
        </Show>
        <b class="mono">{duration(record().duration)}</b>
        <span class="dim">
          {end(record().client)} → {end(record().server)}
        </span>
        <span class="right flow wrap">
          <a
            class="button"
            href={href(["requests"], {
              ...around(),
              filter: and(
                "",
                record().server.service ? term("server", record().server.service) : "",
                term("name", record().name),
              ),
            })}
          >
            {t("Others like it")} →
          </a>
          <a class="button" href={href(["requests"], { ...around(), filter: term("connection", record().connection) })}>
            {t("On the same connection")} →
          </a>
          <Show when={record().trace}>
            {(id) => (
              <a class="button" href={href(["traces", id()], { request: record().id })}>
                {t("Trace")} →
              </a>
            )}
          </Show>
        </span>
      </div>
      <Show when={trace()}>
        {(found) => (
          <Show when={found().spans.length > 1}>
            <section class="section limited-wf">
              <Waterfall
                trace={found()}
                selected={found().spans.find((span) => span.request === record().id)?.id ?? ""}
                select={(id) => {
                  const other = found().spans.find((span) => span.id === id)?.request;
                  if (other) go(href(["requests", other]));
                }}
              />
            </section>
          </Show>
        )}
      </Show>
      <div class="columns">
        <section class="section">
          <h2>{t("What is known of it")}</h2>
          <Facts facts={facts()} />
        </section>
        <section class="section">
          <h2>{t("Fields of the protocol")}</h2>
          <Show when={attributes().length > 0} fallback={<p class="dim">{t("None.")}</p>}>
            <Facts facts={attributes()} mono />
          </Show>
        </section>
        <section class="section">
          <h2>{t("Its connection")}</h2>
          <Show
            when={connections()?.connections[0]}
            fallback={<p class="dim">{t("It is told when the connection ends; the figures of TCP come with that.")}</p>}
          >
            {(connection) => (
              <Facts
                facts={[
                  [t("opened"), exact(Date.parse(connection().time))],
                  [t("was open for"), duration(connection().duration)],
                  [t("to connect"), duration(connection().connect)],
                  [t("round trip"), duration(connection().rtt)],
                  [t("sent"), bytes(connection().sent)],
                  [t("received"), bytes(connection().received)],
                  [t("packets sent again"), count(connection().retransmits)],
                  [t("ended by"), connection().reason],
                  [t("error"), connection().error],
                ]}
              />
            )}
          </Show>
          <p class="small dim mono">{record().connection}</p>
        </section>
      </div>
    </>
  );
}

function Facts(props: { facts: readonly Fact[]; mono?: boolean }) {
  return (
    <dl class="facts">
      <For each={props.facts.filter((fact) => fact[1] !== undefined && fact[1] !== null && fact[1] !== "")}>
        {([name, value, filter]) => (
          <>
            <dt classList={{ mono: props.mono ?? false }}>{name}</dt>
            <dd class="mono">
              <Show when={filter} fallback={value}>
                {(condition) => (
                  <a href={href(["requests"], { filter: condition() })} title={t("Requests with the same")}>
                    {value}
                  </a>
                )}
              </Show>
            </dd>
          </>
        )}
      </For>
    </dl>
  );
}
