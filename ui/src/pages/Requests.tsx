/** The explorer: which requests exactly, and what they have in common. */
import { createMemo, For, Match, Show, Switch } from "solid-js";
import { t } from "../i18n";
import { FACETS } from "../lib/fields";
import { grouped } from "../lib/format";
import { region, regionFilter } from "../lib/heat";
import { and, has, without } from "../lib/filter";
import { answer, during } from "../state/answer";
import { param, set } from "../state/url";
import { Explore } from "../parts/Explore";
import { Facets, VALUES } from "../parts/Facets";
import { FilterBar, Terms } from "../parts/FilterBar";
import { Grouped } from "../parts/Grouped";
import { Overview } from "../parts/Overview";
import { Rows } from "../parts/Rows";
import { Loss } from "../parts/states";

export default function Requests() {
  const filter = () => param("filter");
  const view = () => param("view") || "rows";
  // How many match, the values of fields, and what is wrong with the filter are one question.
  const facets = answer(() => ({
    path: "/api/v1/facets",
    query: { ...during(), filter: filter() || undefined, fields: FACETS.join(","), limit: VALUES },
  }));
  const whole = answer(() =>
    filter() ? { path: "/api/v1/facets", query: { ...during(), fields: "role", limit: 1 } } : undefined,
  );
  const matched = () => {
    const [found, all] = [facets()?.matched, whole()?.matched];
    if (found === undefined) return "";
    return all === undefined
      ? t("{n} requests", { n: grouped(found) })
      : t("{n} of {m} requests", { n: grouped(found), m: grouped(all) });
  };
  const chosen = createMemo(() => {
    const found = region(param("sel"));
    return found ? and(filter(), regionFilter(found)) : filter();
  });
  const side = () => ["server", "client"].find((one) => has(filter(), `role = ${one}`)) ?? "";
  const choose = (one: string) => {
    const rest = without(without(filter(), "role = server"), "role = client");
    set({ filter: one ? and(rest, `role = ${one}`) : rest, sel: undefined });
  };
  const views = () => [
    ["rows", t("Requests")],
    ["operations", t("Operations")],
    ["sql", "SQL"],
    ["redis", "Redis"],
    ["series", t("Over time")],
  ];
  return (
    <>
      <h1 class="hidden">{t("Requests")}</h1>
      <div class="head">
        <div class="tabs" role="group" aria-label={t("View")}>
          <For each={views()}>
            {([id, name]) => (
              <button
                aria-pressed={view() === id}
                onClick={() => set({ view: id === "rows" ? undefined : id, order: undefined })}
              >
                {name}
              </button>
            )}
          </For>
        </div>
        <label
          class="flow right"
          title={t(
            "A call between two processes that are watched is seen twice, as its client and as its server saw it.",
          )}
        >
          <span class="dim small">{t("Side")}</span>
          <select value={side()} onChange={(event) => choose(event.currentTarget.value)}>
            <option value="">{t("both sides")}</option>
            <option value="server">{t("the server's")}</option>
            <option value="client">{t("the client's")}</option>
          </select>
        </label>
        <span class="dim mono">{matched()}</span>
      </div>
      <FilterBar error={facets.error()} />
      <Terms />
      <Loss about={facets()?.about} />
      <Show when={facets.error()?.parameter === "filter"}>
        <p class="notice error" role="alert">
          ▲ {facets.error()!.detail}
        </p>
      </Show>
      <Show when={facets.error()?.parameter !== "filter"}>
        <div class="explorer">
          <Facets filter={filter()} of={facets} />
          <div>
            <Switch>
              <Match when={view() === "rows"}>
                <Explore filter={filter()} />
                <Rows filter={chosen()} />
              </Match>
              <Match when={view() === "series"}>
                <Overview filter={filter()} height={200} />
              </Match>
              <Match when={true}>
                <Grouped filter={filter()} view={view()} />
              </Match>
            </Switch>
          </div>
        </div>
      </Show>
    </>
  );
}
