/** Hosts and their agents: whether they are well, what they lost; and the server itself. */
import { Show } from "solid-js";
import type { Agent } from "../api/client";
import { t } from "../i18n";
import { term } from "../lib/filter";
import { bytes, count, duration, grouped, percent } from "../lib/format";
import { ago, exact } from "../lib/time";
import { answer, during } from "../state/answer";
import { href } from "../state/url";
import { Figure } from "../parts/figures";
import { HeadedSection } from "../parts/HeadedSection";
import { Empty, Listed, Loss, Shown } from "../parts/states";
import { Table, type Column } from "../parts/Table";

/** What an agent tells of itself beside its columns, by these names first. */
const TOLD: readonly (readonly [string, string])[] = [
  ["weir.backend", "back ends"],
  ["weir.stage", "shedding"],
  ["process.cpu.utilization", "processor"],
  ["process.memory.usage", "memory"],
];

export default function Hosts() {
  const agents = answer(() => ({ path: "/api/v1/agents", query: during() }));
  const health = answer(() => ({ path: "/api/v1/health" }));
  return (
    <>
      <div class="head">
        <h1>{t("Hosts and agents")}</h1>
      </div>
      <Loss about={agents()?.about} />
      <Listed
        of={agents}
        rows={4}
        list={(found) => found.agents}
        empty={
          <Empty title={t("No agent told of itself in this time")} command="sudo weir up">
            {t("`weir up` observes this host. Agents of other hosts send here once they know this server's address.")}
          </Empty>
        }
      >
        {(rows) => <Table rows={rows()} columns={columns()} />}
      </Listed>
      <HeadedSection title={t("This server")}>
        <Shown of={health} rows={2}>
          {(found) => (
            <>
              <Show when={found().store.trouble}>{(trouble) => <p class="notice error">▲ {trouble()}</p>}</Show>
              <div class="figures">
                <Figure
                  value={found().status === "ok" ? t("well") : found().status}
                  name={t("State")}
                  bad={found().status !== "ok"}
                />
                <Figure value={found().version} name={t("Version")} />
                <Figure value={duration(found().uptime)} name={t("has been running")} />
                <Figure value={grouped(found().store.rows)} name={t("rows stored since then")} />
                <Figure value={bytes(found().store.recent_bytes)} name={t("in memory and the log only")} />
                <Figure
                  value={grouped(found().store.refused + found().store.failed)}
                  name={t("batches refused or failed")}
                  bad={found().store.refused + found().store.failed > 0}
                />
              </div>
            </>
          )}
        </Shown>
      </HeadedSection>
    </>
  );
}

const lossy = (agent: Agent) => agent.lost > 0;
const shedding = (agent: Agent) => (agent.sampled ?? 1) < 1;

function columns(): Column<Agent>[] {
  return [
    { head: t("Host"), cell: (agent) => <b>{agent.host}</b> },
    { head: t("State"), cell: (agent) => <State agent={agent} /> },
    {
      head: t("Last heard of"),
      class: "dim",
      title: (agent) => exact(Date.parse(agent.seen)),
      cell: (agent) => t("{time} ago", { time: ago(Date.parse(agent.seen), Date.now()) }),
    },
    { head: t("Version"), class: "mono", cell: (agent) => agent.version ?? "–" },
    { head: t("Kernel"), class: "mono dim", cell: (agent) => agent.kernel ?? "–" },
    { head: t("Events"), num: true, cell: (agent) => count(agent.events) },
    {
      head: t("Lost"),
      num: true,
      class: (agent) => (lossy(agent) ? "warn hatched" : "dim"),
      cell: (agent) =>
        lossy(agent) ? `△ ${count(agent.lost)} (${percent(agent.lost / (agent.events + agent.lost))})` : "0",
    },
    {
      head: t("Watched"),
      num: true,
      class: (agent) => (shedding(agent) ? "warn hatched" : "dim"),
      cell: (agent) => percent(agent.sampled ?? 1),
    },
    {
      head: t("Told"),
      fill: true,
      class: "dim small",
      title: (agent) => told(agent.attributes),
      cell: (agent) => told(agent.attributes),
    },
    {
      head: "",
      cell: (agent) => (
        <a class="dim" href={href(["requests"], { filter: term("host", agent.host) })}>
          {t("requests")} →
        </a>
      ),
    },
  ];
}

function State(props: { agent: Agent }) {
  return (
    <Show when={!props.agent.away} fallback={<span class="chip error">▲ {t("away")}</span>}>
      <Show when={lossy(props.agent) || shedding(props.agent)} fallback={<span class="chip">{t("well")}</span>}>
        <span class="chip warn">△ {shedding(props.agent) ? t("sheds work") : t("loses events")}</span>
      </Show>
    </Show>
  );
}

function told(attributes: { [name: string]: string } | undefined): string {
  const known = new Map(TOLD);
  return Object.entries(attributes ?? {})
    .sort(([a], [b]) => Number(known.has(b)) - Number(known.has(a)) || (a < b ? -1 : 1))
    .map(([name, value]) => `${known.has(name) ? known.get(name) : name} ${value}`)
    .join(" · ");
}
