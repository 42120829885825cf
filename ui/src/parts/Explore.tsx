/** The heat map with what can be done to a region of it: look only at it, or see what its requests have in common. */
import { createMemo, Show } from "solid-js";
import type { Difference } from "../api/client";
import { t } from "../i18n";
import { short } from "../lib/fields";
import { setApart } from "../lib/apart";
import { and, seconds, term } from "../lib/filter";
import { count, duration, percent } from "../lib/format";
import { inside, region, regionFilter, regionText } from "../lib/heat";
import { clock, iso } from "../lib/time";
import { answer, during } from "../state/answer";
import { param, set } from "../state/url";
import { HeatMap } from "./HeatMap";
import { Listed, Shown } from "./states";
import { Table, type Column } from "./Table";

export function Explore(props: { filter: string }) {
  const heat = answer(() => ({ path: "/api/v1/heatmap", query: { ...during(), filter: props.filter || undefined } }));
  const selected = createMemo(() => region(param("sel")));
  return (
    <>
      <section aria-label={t("Latency")}>
        <Shown of={heat} rows={8}>
          {(found) => (
            <>
              <HeatMap
                map={found()}
                region={selected()}
                select={(region) => set({ sel: region ? regionText(region) : undefined }, region === undefined)}
              />
              <Show when={found().cells.length === 0}>
                <p class="dim">{t("No request matches in this time.")}</p>
              </Show>
            </>
          )}
        </Shown>
      </section>
      <Show when={selected()}>
        {(chosen) => (
          <Apart filter={props.filter} region={chosen()} inside={heat() ? inside(heat()!, chosen()) : undefined} />
        )}
      </Show>
    </>
  );
}

function Apart(props: { filter: string; region: NonNullable<ReturnType<typeof region>>; inside: number | undefined }) {
  const apart = answer(() => ({
    path: "/api/v1/apart",
    query: { ...during(), filter: props.filter || undefined, selection: regionFilter(props.region), limit: 12 },
  }));
  const zoom = () => {
    const { from, to, low, high } = props.region;
    set({
      from: iso(from),
      to: iso(to),
      sel: undefined,
      filter: and(param("filter"), `duration >= ${seconds(low)}`, high < 1e6 ? `duration < ${seconds(high)}` : ""),
    });
  };
  const only = () => {
    const { low, high } = props.region;
    set({
      sel: undefined,
      filter: and(param("filter"), `duration >= ${seconds(low)}`, high < 1e6 ? `duration < ${seconds(high)}` : ""),
    });
  };
  const none = () => {
    if (apart()?.selected === 0)
      return t("No request lies in this region: the time that is looked at may have moved on.");
    if (apart()?.others === 0) return t("All requests lie in this region: there is no rest to compare them with.");
    return t("Nothing that the rest has not as well.");
  };
  const choose = (one: Difference) => set({ filter: and(param("filter"), term(one.field, one.value)), sel: undefined });
  return (
    <section class="apart" aria-label={t("What the selection has in common")}>
      <div class="flow wrap">
        <h2>{t("What these have in common")}</h2>
        <span class="dim small">
          {t("{n} requests", { n: count(apart()?.selected ?? props.inside ?? 0) })} · {clock(props.region.from)} –{" "}
          {clock(props.region.to)} · {duration(props.region.low)} –{" "}
          {props.region.high < 1e6 ? duration(props.region.high) : "∞"}
        </span>
        <span class="right flow">
          <button class="framed" onClick={zoom}>
            {t("Look only at these")}
          </button>
          <button class="framed" onClick={only}>
            {t("This latency, all the time")}
          </button>
          <button aria-label={t("End the selection")} onClick={() => set({ sel: undefined }, true)}>
            ×
          </button>
        </span>
      </div>
      <Listed of={apart} rows={6} list={(found) => setApart(found, 10)} empty={<p class="dim">{none()}</p>}>
        {(rows) => (
          <Table rows={rows()} columns={columns(choose)} title={() => t("Look only at these")} open={choose} />
        )}
      </Listed>
    </section>
  );
}

function columns(choose: (one: Difference) => void): Column<Difference>[] {
  return [
    { head: t("Field"), class: "mono dim", cell: (one) => short(one.field) },
    {
      head: t("Value"),
      class: "mono",
      fill: true,
      cell: (one) => (
        <button class="plain cut" onClick={() => choose(one)}>
          {one.value ?? "–"}
        </button>
      ),
    },
    {
      head: t("Share"),
      class: "part",
      cell: (one) => (
        <svg
          preserveAspectRatio="none"
          viewBox="0 0 100 12"
          role="img"
          aria-label={`${percent(one.selected)} / ${percent(one.others)}`}
        >
          <rect class="these" y="0" height="5" width={one.selected * 100} />
          <rect class="rest" y="7" height="5" width={one.others * 100} />
        </svg>
      ),
    },
    { head: t("of these"), num: true, cell: (one) => percent(one.selected) },
    { head: t("of the rest"), num: true, class: "dim", cell: (one) => percent(one.others) },
  ];
}
