/** Rate, errors and latency over time of the requests that match. */
import { createMemo, Show } from "solid-js";
import { t } from "../i18n";
import { duration, rate } from "../lib/format";
import { lines } from "../lib/series";
import { answer, during } from "../state/answer";
import { Chart } from "./Chart";
import { Trouble } from "./states";

export function Overview(props: { filter: string; height?: number }) {
  const series = answer(() => ({
    path: "/api/v1/series",
    query: { ...during(), filter: props.filter || undefined, limit: 1 },
  }));
  const drawn = createMemo(() => {
    const found = series();
    if (!found) return undefined;
    const [from, to] = [Date.parse(found.about.from) / 1000, Date.parse(found.about.to) / 1000];
    return { ...lines(found.series[0]?.points ?? [], from, to, found.step), from, to };
  });
  return (
    <Show when={!series.error()} fallback={<Trouble error={series.error()!} again={series.again} />}>
      <section class="charts" aria-label={t("Over time")} classList={{ stale: series.stale() }}>
        <Chart
          label={t("requests")}
          times={drawn()?.times ?? []}
          {...(drawn() ? { from: drawn()!.from, to: drawn()!.to } : {})}
          lines={[{ label: t("all"), values: drawn()?.rate ?? [], colour: "ramp-3", fill: true }]}
          unit={rate}
          height={props.height ?? 120}
        />
        <Chart
          label={t("errors")}
          times={drawn()?.times ?? []}
          {...(drawn() ? { from: drawn()!.from, to: drawn()!.to } : {})}
          lines={[{ label: t("failed"), values: drawn()?.errors ?? [], colour: "error", fill: true }]}
          unit={rate}
          height={props.height ?? 120}
        />
        <Chart
          label={t("latency")}
          times={drawn()?.times ?? []}
          {...(drawn() ? { from: drawn()!.from, to: drawn()!.to } : {})}
          lines={[
            { label: "p50", values: drawn()?.p50 ?? [], colour: "ramp-2" },
            { label: "p95", values: drawn()?.p95 ?? [], colour: "ramp-3" },
            { label: "p99", values: drawn()?.p99 ?? [], colour: "text", dash: true },
          ]}
          unit={duration}
          height={props.height ?? 120}
        />
      </section>
    </Show>
  );
}
