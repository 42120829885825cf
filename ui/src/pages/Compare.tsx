/** Two times side by side: what became slower, what fails, what is new. */
import { createMemo, For, Show } from "solid-js";
import { t } from "../i18n";
import { changes, means, type Change } from "../lib/compare";
import { short } from "../lib/fields";
import { and, term } from "../lib/filter";
import { change, count, duration, percent, rate } from "../lib/format";
import { before, exact, forInput, iso, isRelative, moment, RANGES, range } from "../lib/time";
import { answer, during } from "../state/answer";
import { href, looked, param, set } from "../state/url";
import { FilterBar, Terms } from "../parts/FilterBar";
import { Overview } from "../parts/Overview";
import { HeadedSection } from "../parts/HeadedSection";
import { Empty, Loss, Skeleton, Trouble } from "../parts/states";
import { shareColumn, Table, type Column } from "../parts/Table";
import { rangeName } from "../parts/TimePicker";

const LIMIT = 1000;
const BY: { [what: string]: string } = {
  services: "server",
  operations: "server,protocol,name",
  queries: "server,db.query.summary",
  edges: "client,server,protocol",
};

type Kind = "time" | "errors" | "new" | "gone";

export default function Compare() {
  const what = () => (Object.hasOwn(BY, param("what")) ? param("what") : "operations");
  const filter = () => (what() === "queries" ? and(param("filter"), "db.query.summary exists") : param("filter"));
  const base = createMemo(() => {
    const [from, to] = [param("base_from"), param("base_to")];
    return from && to ? range(from, to) : before(looked(), Date.now());
  });
  const ask = (time: () => { from: string; to: string }) =>
    answer(
      () => ({
        path: "/api/v1/operations",
        query: { ...time(), filter: filter() || undefined, by: BY[what()]!, order: "total", limit: LIMIT },
      }),
      { about: () => what() },
    );
  const now = ask(during);
  const then = ask(() => ({ from: base().from, to: base().to }));
  const items = (found: ReturnType<typeof now>) =>
    (found?.operations ?? []).map((one) => ({ keys: one.keys.map((key) => key ?? null), figures: one.figures }));
  const found = createMemo(() => (now() && then() ? changes(items(then()), items(now())) : undefined));
  const condition = (one: Change) => and(param("filter"), ...fields().map((field, at) => term(field, one.keys[at])));
  const fields = () => now()?.by ?? [];
  const columns = (kind: Kind): Column<Change>[] => [
    ...fields().map((field, at): Column<Change> => ({
      head: short(field),
      fill: at === fields().length - 1,
      wide: at < fields().length - 1,
      title: (one) => one.keys[at] ?? "",
      cell: (one) => <a href={href(["requests"], { filter: condition(one) })}>{one.keys[at] ?? "–"}</a>,
    })),
    {
      head: kind === "errors" ? t("Errors before") : t("p50 before"),
      num: true,
      class: "dim",
      cell: (one) => (kind === "errors" ? percent(one.before?.error_ratio) : duration(one.before?.p50)),
    },
    {
      head: t("after"),
      num: true,
      class: kind === "errors" ? "error" : "",
      cell: (one) => (kind === "errors" ? `▲ ${percent(one.after?.error_ratio)}` : duration(one.after?.p50)),
    },
    { head: t("p95 before"), num: true, wide: true, class: "dim", cell: (one) => duration(one.before?.p95) },
    { head: t("after"), num: true, wide: true, cell: (one) => duration(one.after?.p95) },
    { head: t("Rate before"), num: true, wide: true, class: "dim", cell: (one) => rate(one.before?.rate) },
    { head: t("after"), num: true, wide: true, cell: (one) => rate(one.after?.rate) },
    {
      head: t("Change of the mean"),
      num: true,
      wide: true,
      class: (one) => (kind === "time" && one.extra > 0 ? "warn" : "dim"),
      cell: mean,
    },
    shareColumn(t("Share of the change"), (one) => one.share),
  ];
  const names = () => [
    ["services", t("Services")],
    ["operations", t("Operations")],
    ["queries", t("Queries")],
    ["edges", t("Edges")],
  ];
  const parts = () =>
    found()
      ? ([
          [t("Slower"), t("by the time that it costs"), found()!.slower, "time"],
          [t("Failing more"), t("by failures beyond what was usual"), found()!.failing, "errors"],
          [t("New"), t("by total time"), found()!.fresh, "new"],
          [t("Faster"), t("by the time that it saves"), found()!.faster, "time"],
          [t("Gone"), t("by total time"), found()!.gone, "gone"],
        ] as const)
      : [];
  return (
    <>
      <div class="head">
        <h1>{t("Compare")}</h1>
        <div class="tabs" role="group" aria-label={t("What is compared")}>
          <For each={names()}>
            {([id, name]) => (
              <button aria-pressed={what() === id} onClick={() => set({ what: id === "operations" ? undefined : id })}>
                {name}
              </button>
            )}
          </For>
        </div>
        <span class="right flow wrap base">
          <span class="dim">{t("against")}</span>
          <Base base={base()} />
        </span>
      </div>
      <FilterBar error={now.error()} />
      <Terms />
      <Show when={now.error() ?? then.error()}>
        {(error) => <Trouble error={error()} again={() => (now.again(), then.again())} />}
      </Show>
      <Loss about={now()?.about} />
      <Overview filter={filter()} height={96} />
      <Show
        when={found()}
        fallback={
          <Show when={!now.error() && !then.error()}>
            <Skeleton rows={8} />
          </Show>
        }
      >
        <Show when={now()!.left_out + then()!.left_out > 0}>
          <p class="small dim">
            {t("The {n} with most total time are compared; {m} more are left out.", {
              n: LIMIT,
              m: now()!.left_out + then()!.left_out,
            })}
          </p>
        </Show>
        <Show
          when={parts().some((part) => part[2].length > 0)}
          fallback={
            <Empty title={t("Nothing differs")}>
              {t(
                "No mean latency differs by 10 % or more over ten requests, nothing fails more, nothing is new or gone.",
              )}
            </Empty>
          }
        >
          <For each={parts().filter((part) => part[2].length > 0)}>
            {([title, ranked, list, kind]) => (
              <HeadedSection title={title} note={`${count(list.length)} · ${ranked}`}>
                <Table class="compare" rows={list.slice(0, 15)} columns={columns(kind)} />
              </HeadedSection>
            )}
          </For>
        </Show>
      </Show>
    </>
  );
}

const mean = (one: Change) => change(...means(one));

/** Which time is compared with. */
function Base(props: { base: { from: string; to: string } }) {
  const now = () => Date.now();
  const shift = (seconds: number) => {
    const at = now();
    const [from, to] = [moment(looked().from, at) ?? at, moment(looked().to, at) ?? at];
    set({ base_from: iso(from - seconds * 1000), base_to: iso(to - seconds * 1000) });
  };
  const title = () => `${exact(moment(props.base.from, now()) ?? 0)} – ${exact(moment(props.base.to, now()) ?? 0)}`;
  return (
    <>
      <select
        aria-label={t("against")}
        title={title()}
        value={param("base_from") ? "own" : "before"}
        onChange={(event) => {
          const value = event.currentTarget.value;
          if (value === "before") set({ base_from: undefined, base_to: undefined });
          else if (value !== "own") shift(Number(value));
        }}
      >
        <option value="before">
          {isRelative(looked()) && RANGES.includes(looked().from as never)
            ? t("the time before: {range}", { range: rangeName(looked().from) })
            : t("the time before")}
        </option>
        <option value="3600">{t("an hour earlier")}</option>
        <option value="86400">{t("a day earlier")}</option>
        <option value="604800">{t("a week earlier")}</option>
        <option value="own">{t("a time of one's own")}</option>
      </select>
      <input
        type="datetime-local"
        step="1"
        aria-label={t("From")}
        value={forInput(moment(props.base.from, now()) ?? 0)}
        onChange={(event) => {
          const from = Date.parse(event.currentTarget.value);
          const to = moment(props.base.to, now()) ?? 0;
          if (Number.isFinite(from)) set({ base_from: iso(from), base_to: iso(Math.max(to, from + 60_000)) });
        }}
      />
      <span class="dim">–</span>
      <input
        type="datetime-local"
        step="1"
        aria-label={t("To")}
        value={forInput(moment(props.base.to, now()) ?? 0)}
        onChange={(event) => {
          const to = Date.parse(event.currentTarget.value);
          const from = moment(props.base.from, now()) ?? 0;
          if (Number.isFinite(to)) set({ base_from: iso(Math.min(from, to - 60_000)), base_to: iso(to) });
        }}
      />
    </>
  );
}
