/** Traces: the newest, or those that took longest. */
import { createMemo } from "solid-js";
import type { TraceSummary } from "../api/client";
import { t } from "../i18n";
import { end } from "../lib/fields";
import { duration } from "../lib/format";
import { clock, exact } from "../lib/time";
import { answer, during } from "../state/answer";
import { go, href, param, set } from "../state/url";
import { FilterBar, Terms } from "../parts/FilterBar";
import { rowKeys } from "../parts/rows";
import { Empty, Listed, Loss } from "../parts/states";
import { Table, type Column } from "../parts/Table";

export default function Traces() {
  const order = () => param("order") || "-time";
  const traces = answer(() => ({
    path: "/api/v1/traces",
    query: {
      ...during(),
      filter: param("filter") || undefined,
      order: order().startsWith("-") ? order() : `-${order()}`,
      limit: 100,
    },
  }));
  const all = createMemo(() => traces()?.traces ?? []);
  const most = createMemo(() => Math.max(1e-9, ...all().map((trace) => trace.root.duration)));
  const open = (trace: TraceSummary) => go(href(["traces", trace.id]));
  const cursor = rowKeys(
    () => all().length,
    (at) => open(all()[at]!),
  );
  const sort = (by: string) =>
    set({ order: by.replace(/^-/, "") === "time" ? undefined : `-${by.replace(/^-/, "")}` }, true);
  const columns = (): Column<TraceSummary>[] => [
    {
      head: "time",
      by: "time",
      class: "mono",
      title: (trace) => exact(Date.parse(trace.root.time)),
      cell: (trace) => <a href={href(["traces", trace.id])}>{clock(Date.parse(trace.root.time), true)}</a>,
    },
    { head: "client", cell: (trace) => end(trace.root.client) },
    { head: "server", cell: (trace) => end(trace.root.server) },
    { head: "name", fill: true, class: "name", cell: (trace) => trace.root.name },
    { head: t("requests"), num: true, cell: (trace) => trace.requests },
    {
      head: t("failed"),
      num: true,
      class: (trace) => (trace.errors > 0 ? "error" : "dim"),
      cell: (trace) => (trace.errors > 0 ? `▲ ${trace.errors}` : "0"),
    },
    {
      head: "",
      wide: true,
      cell: (trace) => (
        <svg class="length" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
          <rect width={(trace.root.duration / most()) * 100} height="6" />
        </svg>
      ),
    },
    { head: "duration", by: "duration", num: true, cell: (trace) => duration(trace.root.duration) },
    {
      head: "status",
      class: (trace) => (trace.root.status === "ok" ? "dim" : "error"),
      cell: (trace) => (trace.root.status === "ok" ? "ok" : `▲ ${trace.root.error ?? ""}`),
    },
  ];
  return (
    <>
      <div class="head">
        <h1>{t("Traces")}</h1>
        <span class="dim small">{t("what a request brought about, joined without changing the programs")}</span>
      </div>
      <FilterBar error={traces.error()} />
      <Terms />
      <Loss about={traces()?.about} />
      <Listed
        of={traces}
        list={all}
        empty={
          <Empty title={t("No trace matches in this time")} command="curl http://localhost/">
            {t("A trace appears when a request brings about another one. A filter is about any request in it.")}
          </Empty>
        }
      >
        {(rows) => (
          <Table
            class="rows"
            rows={rows()}
            columns={columns()}
            order={order()}
            sort={sort}
            cursor={cursor()}
            open={open}
            failed={(trace) => trace.root.status !== "ok"}
          />
        )}
      </Listed>
    </>
  );
}
