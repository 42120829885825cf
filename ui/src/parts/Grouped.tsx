/** Requests summed up: routes, statements, commands, by what they cost. */
import { createMemo, For, Show } from "solid-js";
import { t } from "../i18n";
import { short } from "../lib/fields";
import { and, term } from "../lib/filter";
import { foldable, once } from "../lib/sides";
import { count, duration, percent } from "../lib/format";
import { answer, during } from "../state/answer";
import { param, set } from "../state/url";
import { Errors, Sort } from "./figures";
import { Empty, Shown } from "./states";

/** By what each view puts requests together, and which it takes. */
const VIEWS: { [view: string]: { by: string; filter: string } } = {
  operations: { by: "server,protocol,name", filter: "" },
  sql: { by: "server,db.query.summary,db.query.text", filter: "protocol in (mysql, postgresql)" },
  redis: { by: "server,db.operation.name,client", filter: "protocol = redis" },
};
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
  const view = () => VIEWS[props.view] ?? VIEWS["operations"]!;
  const by = () => param("by") || view().by;
  const folded = () => foldable(by()) && !/\brole\b/.test(props.filter);
  const order = () => param("order").replace(/^-/, "") || "total";
  const filter = () => and(props.filter, view().filter);
  const operations = answer(() => ({
    path: "/api/v1/operations",
    query: {
      ...during(),
      filter: filter() || undefined,
      by: folded() ? `${by()},role` : by(),
      order: order(),
      limit: folded() ? LIMIT * 2 : LIMIT,
    },
  }));
  const fields = () => (folded() ? (operations()?.by ?? []).slice(0, -1) : (operations()?.by ?? []));
  const told = createMemo(() => (folded() ? once(operations()?.operations ?? []) : (operations()?.operations ?? [])));
  const sort = (to: string) =>
    set({ order: to.replace(/^-/, "") === "total" ? undefined : `-${to.replace(/^-/, "")}` }, true);
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
      <Shown of={operations} rows={12}>
        {() => (
          <Show
            when={told().length > 0}
            fallback={
              <Empty
                title={t("None of these in this time")}
                command={
                  props.view === "sql"
                    ? "psql -c 'select 1'"
                    : props.view === "redis"
                      ? "redis-cli ping"
                      : "curl http://localhost/"
                }
              >
                {t("Drop a condition, or look at a longer time.")}
              </Empty>
            }
          >
            <div class="scroll">
              <table>
                <thead>
                  <tr>
                    <For each={fields()}>{(field) => <th>{short(field)}</th>}</For>
                    <Sort
                      name={t("Total time")}
                      by="total"
                      now={`-${order()}`}
                      set={sort}
                      num
                      title={t("All durations together")}
                    />
                    <th class="num">{t("Share")}</th>
                    <Sort name={t("Calls")} by="count" now={`-${order()}`} set={sort} num />
                    <Sort name={t("Errors")} by="errors" now={`-${order()}`} set={sort} num />
                    <Sort name="p50" by="p50" now={`-${order()}`} set={sort} num />
                    <Sort name="p95" by="p95" now={`-${order()}`} set={sort} num />
                    <Sort name="p99" by="p99" now={`-${order()}`} set={sort} num />
                  </tr>
                </thead>
                <tbody>
                  <For each={told()}>
                    {(operation) => (
                      <tr
                        class="link"
                        onClick={() =>
                          set({
                            view: undefined,
                            order: undefined,
                            by: undefined,
                            filter: and(props.filter, ...fields().map((field, at) => term(field, operation.keys[at]))),
                          })
                        }
                      >
                        <For each={operation.keys}>
                          {(key, at) => (
                            <td class={at() === fields().length - 1 ? "fill mono" : "mono"} title={key ?? ""}>
                              {key ?? <span class="dim">–</span>}
                            </td>
                          )}
                        </For>
                        <td class="num">{duration(operation.figures.total)}</td>
                        <td class="num bar-cell">
                          <svg class="share" preserveAspectRatio="none" viewBox="0 0 100 2" aria-hidden="true">
                            <rect x={100 - operation.share * 100} width={operation.share * 100} height="2" />
                          </svg>
                          {percent(operation.share)}
                        </td>
                        <td class="num">{count(operation.figures.count)}</td>
                        <td class="num">
                          <Errors figures={operation.figures} />
                        </td>
                        <td class="num">{duration(operation.figures.p50)}</td>
                        <td class="num">{duration(operation.figures.p95)}</td>
                        <td class="num">{duration(operation.figures.p99)}</td>
                      </tr>
                    )}
                  </For>
                </tbody>
              </table>
            </div>
          </Show>
        )}
      </Shown>
    </section>
  );
}
