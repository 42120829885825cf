/** All services with their figures. */
import { createMemo, For, Show } from "solid-js";
import type { Service } from "../api/client";
import { t } from "../i18n";
import { lines } from "../lib/series";
import { answer, during } from "../state/answer";
import { go, href, param, set } from "../state/url";
import { FigureCells, Sort, Spark, state } from "../parts/figures";
import { KindSign, kindName } from "../parts/icons";
import { rowKeys } from "../parts/rows";
import { Empty, Loss, Shown } from "../parts/states";

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
  const cursor = rowKeys(
    () => shown().length,
    (at) => go(href(["services", shown()[at]!.name])),
  );
  const sort = (by: string) => set({ order: by }, true);
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
  return (
    <>
      <div class="head">
        <h1>{t("Services")}</h1>
        <input
          type="search"
          placeholder={t("Find a service  /")}
          aria-label={t("Find a service")}
          value={param("find")}
          onInput={(event) => set({ find: event.currentTarget.value }, true)}
        />
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
      <Shown of={services} rows={12}>
        {() => (
          <Show
            when={shown().length > 0}
            fallback={
              <Empty title={t("No service was seen in this time")} command="curl http://localhost/">
                {t(
                  "A service appears here with its first request. Make one on a host with an agent, or look at a longer time.",
                )}
              </Empty>
            }
          >
            <div class="scroll-phone">
              <table>
                <thead>
                  <tr>
                    <Sort name={t("Service")} by="name" now={order()} set={sort} />
                    <th class="wide">{t("Protocols")}</th>
                    <th class="wide">{t("Requests over time")}</th>
                    <Sort name={t("Rate")} by="rate" now={order()} set={sort} num />
                    <Sort name={t("Errors")} by="errors" now={order()} set={sort} num />
                    <Sort name="p50" by="p50" now={order()} set={sort} num />
                    <Sort name="p95" by="p95" now={order()} set={sort} num />
                    <Sort name="p99" by="p99" now={order()} set={sort} num />
                    <th class="wide">{t("p95 over time")}</th>
                    <th class="wide">{t("Hosts")}</th>
                  </tr>
                </thead>
                <tbody>
                  <For each={shown()}>
                    {(service, at) => {
                      const drawn = spark(service);
                      return (
                        <tr
                          class="link"
                          classList={{ cursor: cursor() === at() }}
                          onClick={() => go(href(["services", service.name]))}
                        >
                          <td class="fill">
                            <KindSign kind={service.kind} />
                            <a href={href(["services", service.name])}>{service.name}</a>
                            <Show when={service.inbound.count === 0}>
                              <span class="dim small"> {t("only asks")}</span>
                            </Show>
                          </td>
                          <td class="dim wide">{service.protocols.join(", ")}</td>
                          <td class="wide">
                            <Spark values={drawn.rate} label={t("Requests over time")} />
                          </td>
                          <FigureCells figures={main(service)} />
                          <td class="wide">
                            <Spark
                              values={drawn.p95}
                              label={t("p95 over time")}
                              error={state(main(service).errors, main(service).error_ratio) === "error"}
                            />
                          </td>
                          <td class="dim wide" title={service.hosts.join(", ")}>
                            {service.hosts.length > 2
                              ? t("{n} hosts", { n: service.hosts.length })
                              : service.hosts.join(", ")}
                          </td>
                        </tr>
                      );
                    }}
                  </For>
                </tbody>
              </table>
            </div>
          </Show>
        )}
      </Shown>
    </>
  );
}

/** From one point to the next: the least distance there is. */
function stepOf(times: readonly number[], usual: number): number {
  let least = Infinity;
  for (let at = 1; at < times.length; at += 1) least = Math.min(least, times[at]! - times[at - 1]!);
  return Number.isFinite(least) && least > 0 ? least : Math.max(1, usual);
}
