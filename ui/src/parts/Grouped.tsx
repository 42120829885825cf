/** Requests summed up: routes, statements, commands, by what they cost. */
import { For, Show } from "solid-js";
import type { Operation } from "../api/client";
import { t } from "../i18n";
import { short } from "../lib/fields";
import { and, term } from "../lib/filter";
import { count, duration } from "../lib/format";
import { answer, during } from "../state/answer";
import { param, set } from "../state/url";
import { rowKeys } from "./rows";
import { Empty, Listed } from "./states";
import { figureColumns, shareColumn, Table, type Column } from "./Table";

/** By what each view puts requests together, and which it takes. */
const VIEWS: { [view: string]: { by: string; filter: string } } = {
  operations: { by: "server,protocol,name", filter: "" },
  sql: { by: "server,db.query.summary,db.query.text", filter: "protocol in (mysql, postgresql)" },
  redis: { by: "server,db.operation.name,client", filter: "protocol = redis" },
};
/** What to try where there are none. */
const TRY: { [view: string]: string } = { sql: "psql -c 'select 1'", redis: "redis-cli ping" };
const CHOICES: readonly string[] = [
  "server,protocol,name",
  "client,server",
  "service,error",
  "server,code",
  "db.query.summary,client",
  "host,service",
  "server,process.pid",
];
const LIMIT = 100;

export function Grouped(props: { filter: string; view: string }) {
  const view = () => VIEWS[Object.hasOwn(VIEWS, props.view) ? props.view : "operations"]!;
  const by = () => param("by") || view().by;
  const order = () => param("order").replace(/^-/, "") || "total";
  const filter = () => and(props.filter, view().filter);
  const operations = answer(() => ({
    path: "/api/v1/operations",
    query: {
      ...during(),
      filter: filter() || undefined,
      by: by(),
      order: order(),
      limit: LIMIT,
    },
  }));
  const fields = () => operations()?.by ?? [];
  const open = (one: Operation) =>
    set({
      view: undefined,
      order: undefined,
      by: undefined,
      filter: and(props.filter, ...fields().map((field, at) => term(field, one.keys[at]))),
    });
  const cursor = rowKeys(
    () => operations()?.operations.length ?? 0,
    (at) => open(operations()!.operations[at]!),
  );
  const columns = (): Column<Operation>[] => [
    ...fields().map((field, at): Column<Operation> => ({
      head: short(field),
      fill: at === fields().length - 1,
      wide: at < fields().length - 1,
      class: "mono",
      title: (one) => one.keys[at] ?? "",
      cell: (one) => one.keys[at] ?? <span class="dim">–</span>,
    })),
    {
      head: t("Total time"),
      about: t("All durations together"),
      by: "total",
      num: true,
      cell: (one) => duration(one.figures.total),
    },
    { ...shareColumn<Operation>(t("Share"), (one) => one.share), wide: true },
    ...figureColumns<Operation>((one) => one.figures, "count"),
  ];
  return (
    <section aria-label={t("Operations")}>
      <div class="flow wrap">
        <span class="dim small">{t("Put together by")}</span>
        <select
          value={by()}
          aria-label={t("Put together by")}
          onChange={(event) =>
            set({ by: event.currentTarget.value === view().by ? undefined : event.currentTarget.value })
          }
        >
          <For each={[...new Set([view().by, ...CHOICES, by()])]}>
            {(one) => <option value={one}>{one.replaceAll(",", " · ")}</option>}
          </For>
        </select>
        <Show when={operations() && operations()!.left_out > 0}>
          <span class="dim small right">{t("{n} more, with less", { n: count(operations()!.left_out) })}</span>
        </Show>
      </div>
      <Listed
        of={operations}
        list={(found) => found.operations}
        empty={
          <Empty
            title={t("None of these in this time")}
            command={(Object.hasOwn(TRY, props.view) && TRY[props.view]) || "curl http://localhost/"}
          >
            {t("Drop a condition, or look at a longer time.")}
          </Empty>
        }
      >
        {(rows) => (
          <Table
            rows={rows()}
            columns={columns()}
            order={`-${order()}`}
            sort={(by) =>
              set({ order: by.replace(/^-/, "") === "total" ? undefined : `-${by.replace(/^-/, "")}` }, true)
            }
            cursor={cursor()}
            open={open}
          />
        )}
      </Listed>
    </section>
  );
}
