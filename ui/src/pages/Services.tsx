/** All services with their figures. */
import { createMemo, For, Show } from "solid-js";
import type { Service } from "../api/client";
import { t } from "../i18n";
import { lines } from "../lib/series";
import { answer, during } from "../state/answer";
import { go, href, param, set } from "../state/url";
import { Find } from "../parts/Find";
import { Spark, state } from "../parts/figures";
import { KindSign, kindName } from "../parts/icons";
import { rowKeys } from "../parts/rows";
import { Empty, Listed, Loss } from "../parts/states";
import { figureColumns, Table, type Column } from "../parts/Table";

const POINTS = 30;

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
  const services = answer(() => ({ path: "/api/v1/services", query: { ...during(), points: POINTS } }));
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
  const spark = (service: Service) => {
    const about = services()!.about;
    const [from, to] = [Date.parse(about.from) / 1000, Date.parse(about.to) / 1000];
    const points = service.points ?? [];
    const step = stepOf(
      points.map((point) => Date.parse(point.time) / 1000),
      (to - from) / POINTS,
    );
    return lines(points, from, to, step);
  };
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
      cell: (service) => <Spark values={spark(service).rate} label={t("Requests over time")} />,
    },
    ...figureColumns(main),
    {
      head: t("p95 over time"),
      wide: true,
      cell: (service) => (
        <Spark
          values={spark(service).p95}
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
      <Listed
        of={services}
        list={() => shown()}
        empty={
          <Empty title={t("No service was seen in this time")} command="curl http://localhost/">
            {t(
              "A service appears here with its first request. Make one on a host with an agent, or look at a longer time.",
            )}
          </Empty>
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
          />
        )}
      </Listed>
    </>
  );
}

/** From one point to the next: the least distance there is. */
function stepOf(times: readonly number[], usual: number): number {
  let least = Infinity;
  for (let at = 1; at < times.length; at += 1) least = Math.min(least, times[at]! - times[at - 1]!);
  return Number.isFinite(least) && least > 0 ? least : Math.max(1, usual);
}
