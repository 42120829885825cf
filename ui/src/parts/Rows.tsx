/** Requests one by one: a page at a time, or as they come in. */
import { createEffect, createMemo, createSignal, For, on, onCleanup, Show } from "solid-js";
import { get, Failure, type Record_ } from "../api/client";
import { follow } from "../api/live";
import { t } from "../i18n";
import { columns, COLUMNS, USUAL_COLUMNS, type Column } from "../lib/fields";
import { count } from "../lib/format";
import { exact } from "../lib/time";
import { painted } from "../state/afterPaint";
import { answer, during } from "../state/answer";
import { go, href, looked, param, set } from "../state/url";
import { Export } from "./Export";
import { Menu } from "./Menu";
import { rowKeys } from "./rows";
import { Empty, Skeleton, Trouble } from "./states";
import { Table, type Column as TableColumn } from "./Table";

/** A page's rows, and how many of the live view are kept: more are not read by anybody, and memory stays what it is. */
const PAGE = 100;
const KEPT = 300;
/** So many rows at most are on the page. */
const MOST = 2000;
/** After an interruption the live view is asked for again: milliseconds. */
const RETRY = 3000;

export function Rows(props: { filter: string }) {
  const live = () => param("live") === "1";
  const order = () => param("order") || "-time";
  const shown = createMemo(() => columns(param("cols")));
  const [more, setMore] = createSignal<Record_[]>([]);
  const [loading, setLoading] = createSignal(false);
  const first = answer(
    () =>
      live()
        ? undefined
        : {
            path: "/api/v1/requests",
            query: { ...during(), filter: props.filter || undefined, order: order(), limit: PAGE },
          },
    // Who asked for more rows reads them: they do not go every ten seconds.
    { held: () => loading() || more().length > 0 },
  );
  const [next, setNext] = createSignal<string | null>();
  const [failed, setFailed] = createSignal<Failure>();
  const tail = liveTail(() => (live() ? props.filter : undefined));
  createEffect(
    on(first, (found) => {
      setMore([]);
      setNext(found?.next ?? null);
      setFailed(undefined);
    }),
  );
  const records = createMemo(() => (live() ? tail.rows() : [...(first()?.requests ?? []), ...more()]));
  const open = (record: Record_) => go(href(["requests", record.id]));
  const told = createMemo(() => shown().map(cells));
  const cursor = rowKeys(
    () => records().length,
    (at) => open(records()[at]!),
  );
  const load = async () => {
    const after = next();
    if (!after || loading()) return;
    const begin = first();
    if (!begin) return;
    setLoading(true);
    await painted();
    try {
      const { about } = begin;
      const found = await get({
        path: "/api/v1/requests",
        query: {
          from: looked().to === "now" ? about.from : looked().from,
          to: looked().to === "now" ? about.to : looked().to,
          filter: props.filter || undefined,
          order: order(),
          limit: PAGE,
          after,
        },
      });
      // Meanwhile something else was asked for: these rows are no part of it.
      if (first() !== begin || first.stale()) return;
      setMore((was) => [...was, ...found.requests]);
      setNext(found.next ?? null);
      setFailed(undefined);
    } catch (error) {
      if (first() === begin) setFailed(error instanceof Failure ? error : new Failure(0, "", String(error)));
    } finally {
      setLoading(false);
    }
  };
  return (
    <section class="section" aria-label={t("Requests")}>
      <div class="flow wrap">
        <h2>
          {live() ? t("Requests as they come in") : order() === "-duration" ? t("Slowest requests") : t("Requests")}
        </h2>
        <Show when={live() && tail.leftOut() > 0}>
          <span class="chip warn hatched">{t("{n} more matched and are not shown", { n: count(tail.leftOut()) })}</span>
        </Show>
        <span class="right flow">
          <button class="framed" aria-pressed={live()} onClick={() => set({ live: live() ? undefined : "1" }, true)}>
            {live() ? "■ " : "▸ "}
            {t("Live")}
          </button>
          <Columns />
          <Export filter={props.filter} records={records()} columns={shown()} />
        </span>
      </div>
      <Show when={failed() ?? first.error() ?? tail.error()}>
        {(error) => <Trouble error={error()} again={first.again} />}
      </Show>
      <Show
        when={live() || first()}
        fallback={
          <Show when={!first.error()}>
            <Skeleton rows={10} />
          </Show>
        }
      >
        <Show
          when={records().length > 0}
          fallback={
            <Empty
              title={live() ? t("Waiting for a request that matches") : t("No request matches in this time")}
              command={live() ? "curl http://localhost/" : ""}
            >
              {live()
                ? t("It appears here within a second after it has ended.")
                : t("Drop a condition, or look at a longer time.")}
            </Empty>
          }
        >
          <Table
            class="rows"
            rows={records()}
            columns={told()}
            stale={first.stale()}
            order={order()}
            {...(live() ? {} : { sort: (by: string) => set({ order: by === "-time" ? undefined : by }, true) })}
            cursor={cursor()}
            open={open}
            failed={(record) => record.status !== "ok"}
          />
          <Show when={!live() && next() && records().length < MOST}>
            <p class="more">
              <button class="framed" disabled={loading()} onClick={() => void load()}>
                {loading() ? t("Loading") : t("{n} more", { n: PAGE })}
              </button>
            </p>
          </Show>
        </Show>
      </Show>
    </section>
  );
}

/** A column as the table has it. */
function cells(column: Column): TableColumn<Record_> {
  return {
    head: column.id,
    num: column.number ?? false,
    fill: column.id === "name",
    wide: column.id === "client" || column.id === "protocol",
    ...(column.order ? { by: column.order } : {}),
    class: (record) =>
      ({
        name: "name",
        time: "mono",
        client: "end",
        server: "end",
        status: record.status === "ok" ? "" : "error",
      })[column.id] ?? "",
    title: (record) => (column.id === "time" ? exact(Date.parse(record.time)) : column.text(record)),
    cell: (record) => {
      const text = column.text(record);
      if (column.id === "time") return <a href={href(["requests", record.id])}>{text}</a>;
      if (column.id === "name") return record.waiting ? `${text} (${t("waiting")})` : text;
      return column.id === "status" ? <Status record={record} text={text} /> : text;
    },
  };
}

function Status(props: { record: Record_; text: string }) {
  return (
    <>
      {props.record.status === "ok" ? <span class="dim">ok</span> : `▲ ${props.text}`}
      <Show when={props.record.trace}>
        {(trace) => (
          <>
            {" "}
            <a class="dim" href={href(["traces", trace()], { request: props.record.id })}>
              {t("trace")}
            </a>
          </>
        )}
      </Show>
    </>
  );
}

function Columns() {
  const ids = () => (param("cols") ? param("cols").split(",") : [...USUAL_COLUMNS]);
  const toggle = (id: string) => {
    const now = ids();
    const then = now.includes(id) ? now.filter((one) => one !== id) : [...now, id];
    set({ cols: then.join(",") === USUAL_COLUMNS.join(",") ? undefined : then.join(",") }, true);
  };
  return (
    <Menu name={t("Columns")} class="menu">
      {() => (
        <For each={COLUMNS}>
          {(column) => (
            <label>
              <input type="checkbox" checked={ids().includes(column.id)} onChange={() => toggle(column.id)} />
              {column.id}
            </label>
          )}
        </For>
      )}
    </Menu>
  );
}

/** Requests as they come in, the newest first. */
function liveTail(filter: () => string | undefined) {
  const [rows, setRows] = createSignal<Record_[]>([]);
  const [leftOut, setLeftOut] = createSignal(0);
  const [error, setError] = createSignal<Failure>();
  createEffect(() => {
    const wanted = filter();
    setRows([]);
    setLeftOut(0);
    setError(undefined);
    if (wanted === undefined) return;
    const ending = new AbortController();
    let again = 0;
    const begin = () =>
      void follow(
        wanted,
        ending.signal,
        (told) => {
          setRows((was) => [...told.requests.reverse(), ...was].slice(0, KEPT));
          setLeftOut((was) => was + told.left_out);
        },
        () => setError(undefined),
      ).catch((why: unknown) => {
        if (ending.signal.aborted) return;
        setError(why instanceof Failure ? why : new Failure(0, "The live view was interrupted", String(why)));
        // A filter that the server calls wrong does not become right.
        if (why instanceof Failure && why.status === 400) return;
        again = window.setTimeout(begin, RETRY);
      });
    begin();
    onCleanup(() => {
      ending.abort();
      window.clearTimeout(again);
    });
  });
  return { rows, leftOut, error };
}
