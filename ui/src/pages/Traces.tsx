/** Traces: the newest, or those that took longest. */
import { createMemo, For, Show } from "solid-js";
import { t } from "../i18n";
import { end } from "../lib/fields";
import { duration } from "../lib/format";
import { clock, exact } from "../lib/time";
import { answer, during } from "../state/answer";
import { go, href, param, set } from "../state/url";
import { FilterBar, Terms } from "../parts/FilterBar";
import { Sort } from "../parts/figures";
import { rowKeys } from "../parts/rows";
import { Empty, Loss, Shown } from "../parts/states";

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
  const cursor = rowKeys(
    () => all().length,
    (at) => go(href(["traces", all()[at]!.id])),
  );
  const sort = (by: string) =>
    set({ order: by.replace(/^-/, "") === "time" ? undefined : `-${by.replace(/^-/, "")}` }, true);
  return (
    <>
      <div class="head">
        <h1>{t("Traces")}</h1>
        <span class="dim small">{t("what a request brought about, joined without changing the programs")}</span>
      </div>
      <FilterBar error={traces.error()} />
      <Terms />
      <Loss about={traces()?.about} />
      <Shown of={traces} rows={12}>
        {() => (
          <Show
            when={all().length > 0}
            fallback={
              <Empty title={t("No trace matches in this time")} command="curl http://localhost/">
                {t("A trace appears when a request brings about another one. A filter is about any request in it.")}
              </Empty>
            }
          >
            <div class="scroll">
              <table class="rows">
                <thead>
                  <tr>
                    <Sort name="time" by="time" now={order()} set={sort} />
                    <th>client</th>
                    <th>server</th>
                    <th>name</th>
                    <th class="num">{t("requests")}</th>
                    <th class="num">{t("failed")}</th>
                    <th class="wide" />
                    <Sort name="duration" by="duration" now={order()} set={sort} num />
                    <th>status</th>
                  </tr>
                </thead>
                <tbody>
                  <For each={all()}>
                    {(trace, at) => (
                      <tr
                        class="link"
                        classList={{ cursor: cursor() === at(), failed: trace.root.status !== "ok" }}
                        onClick={(event) => !(event.target as Element).closest("a") && go(href(["traces", trace.id]))}
                      >
                        <td class="mono" title={exact(Date.parse(trace.root.time))}>
                          <a href={href(["traces", trace.id])}>{clock(Date.parse(trace.root.time), true)}</a>
                        </td>
                        <td>{end(trace.root.client)}</td>
                        <td>{end(trace.root.server)}</td>
                        <td class="name fill">{trace.root.name}</td>
                        <td class="num">{trace.requests}</td>
                        <td class={`num ${trace.errors > 0 ? "error" : "dim"}`}>
                          {trace.errors > 0 ? `▲ ${trace.errors}` : "0"}
                        </td>
                        <td class="wide">
                          <svg class="length" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                            <rect width={(trace.root.duration / most()) * 100} height="6" />
                          </svg>
                        </td>
                        <td class="num">{duration(trace.root.duration)}</td>
                        <td class={trace.root.status === "ok" ? "dim" : "error"}>
                          {trace.root.status === "ok" ? "ok" : `▲ ${trace.root.error ?? ""}`}
                        </td>
                      </tr>
                    )}
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
