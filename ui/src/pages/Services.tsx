/** All services with their figures. */
import { createMemo, createSignal, For, onCleanup, Show, untrack } from "solid-js";
import type { Service } from "../api/client";
import { t } from "../i18n";
import { quoted } from "../lib/filter";
import { lines } from "../lib/series";
import { answer, during } from "../state/answer";
import { go, href, param, set } from "../state/url";
import { Find } from "../parts/Find";
import { Spark, state } from "../parts/figures";
import { KindSign, kindName } from "../parts/icons";
import { rowKeys } from "../parts/rows";
import { FirstRequest, Listed, Loss, Trouble } from "../parts/states";
import { figureColumns, Table, type Column } from "../parts/Table";

/** So many services at most does the server tell over time in one answer. */
const MOST = 100;
/** What has come into sight is asked for when the hand rests: milliseconds. */
const REST = 150;

/** What a service is shown by: what it answers, or what it asks where it answers nothing. */
export const main = (service: Service) => (service.inbound.count > 0 ? service.inbound : service.outbound);

const ORDERS: { [by: string]: (service: Service) => number | string } = {
  name: (service) => service.name,
  rate: (service) => main(service).rate,
  errors: (service) => main(service).error_ratio,
  p50: (service) => main(service).p50 ?? 0,
  p95: (service) => main(service).p95 ?? 0,
  p99: (service) => main(service).p99 ?? 0,
};

export default function Services() {
  const services = answer(() => ({ path: "/api/v1/services", query: during() }));
  const { over, look } = overTime();
  const order = () => param("order") || "-rate";
  const shown = createMemo(() => {
    const text = param("find").toLowerCase();
    const kind = param("kind");
    const found = (services()?.services ?? []).filter(
      (service) => service.name.toLowerCase().includes(text) && (!kind || service.kind === kind),
    );
    const by = ORDERS[order().replace(/^-/, "")] ?? ORDERS["rate"]!;
    const sign = order().startsWith("-") ? -1 : 1;
    return found.sort((a, b) => {
      const [x, y] = [by(a), by(b)];
      return sign * (x < y ? -1 : x > y ? 1 : 0) || (a.name < b.name ? -1 : 1);
    });
  });
  const kinds = createMemo(() => [...new Set((services()?.services ?? []).map((service) => service.kind))].sort());
  const open = (service: Service) => go(href(["services", service.name]));
  const cursor = rowKeys(
    () => shown().length,
    (at) => open(shown()[at]!),
  );
  const columns = (): Column<Service>[] => [
    {
      head: t("Service"),
      by: "name",
      fill: true,
      cell: (service) => (
        <>
          <KindSign kind={service.kind} />
          <a href={href(["services", service.name])}>{service.name}</a>
          <Show when={service.inbound.count === 0}>
            <span class="dim small"> {t("only asks")}</span>
          </Show>
        </>
      ),
    },
    { head: t("Protocols"), wide: true, class: "dim", cell: (service) => service.protocols.join(", ") },
    {
      head: t("Requests over time"),
      wide: true,
      cell: (service) => <Spark values={over.lines(service.name).rate} label={t("Requests over time")} />,
    },
    ...figureColumns(main),
    {
      head: t("p95 over time"),
      wide: true,
      cell: (service) => (
        <Spark
          values={over.lines(service.name).p95}
          label={t("p95 over time")}
          error={state(main(service).errors, main(service).error_ratio) === "error"}
        />
      ),
    },
    {
      head: t("Hosts"),
      wide: true,
      class: "dim",
      title: (service) => service.hosts.join(", "),
      cell: (service) =>
        service.hosts.length > 2 ? t("{n} hosts", { n: service.hosts.length }) : service.hosts.join(", "),
    },
  ];
  return (
    <>
      <div class="head">
        <h1>{t("Services")}</h1>
        <Find />
        <Show when={kinds().length > 1}>
          <div class="tabs" role="group" aria-label={t("Kind")}>
            <button aria-pressed={!param("kind")} onClick={() => set({ kind: undefined }, true)}>
              {t("all")}
            </button>
            <For each={kinds()}>
              {(kind) => (
                <button aria-pressed={param("kind") === kind} onClick={() => set({ kind }, true)}>
                  {kindName(kind)}
                </button>
              )}
            </For>
          </div>
        </Show>
        <span class="dim small right">
          {t("{n} of {m}", { n: shown().length, m: services()?.services.length ?? 0 })}
        </span>
      </div>
      <Loss about={services()?.about} />
      <Show when={over.error()}>{(error) => <Trouble error={error()} again={over.again} />}</Show>
      <Listed
        of={services}
        list={() => shown()}
        empty={
          <FirstRequest title={t("No service was seen in this time")}>
            {t(
              "A service appears here with its first request. Make one on a host with an agent, or look at a longer time.",
            )}
          </FirstRequest>
        }
      >
        {(rows) => (
          <Table
            rows={rows()}
            columns={columns()}
            order={order()}
            sort={(by) => set({ order: by }, true)}
            cursor={cursor()}
            open={open}
            inSight={(rows) => look(rows.map((service) => service.name))}
          />
        )}
      </Listed>
    </>
  );
}

/** The services in sight over time: those that nobody looks at are not asked for. */
function overTime() {
  const [names, setNames] = createSignal<readonly string[]>([]);
  let timer = 0;
  onCleanup(() => window.clearTimeout(timer));
  const look = (seen: readonly string[]) => {
    window.clearTimeout(timer);
    // In the order of names, so that another order of the same rows is no other question.
    const wanted = seen.slice(0, MOST).sort();
    if (wanted.join("\n") === untrack(names).join("\n")) return;
    timer = window.setTimeout(() => setNames(wanted), untrack(names).length > 0 ? REST : 0);
  };
  const series = answer(() =>
    names().length > 0
      ? {
          path: "/api/v1/series",
          query: {
            ...during(),
            by: "server",
            filter: `server in (${names().map(quoted).join(", ")})`,
            limit: names().length,
          },
        }
      : undefined,
  );
  const found = createMemo(() => {
    const told = series();
    if (!told) return undefined;
    const [from, to] = [Date.parse(told.about.from) / 1000, Date.parse(told.about.to) / 1000];
    const drawn = new Map(told.series.map((one) => [one.keys[0], lines(one.points, from, to, told.step)]));
    return { drawn, none: lines([], from, to, told.step) };
  });
  const over = {
    lines: (name: string) => found()?.drawn.get(name) ?? found()?.none ?? NOTHING,
    error: series.error,
    again: series.again,
  };
  return { over, look };
}

const NOTHING = lines([], 0, 1, 1);
