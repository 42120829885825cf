/** Hosts and their agents: whether they are well, what they lost; and the server itself. */
import { Show } from "solid-js";
import type { Agent } from "../api/client";
import { t } from "../i18n";
import { term } from "../lib/filter";
import { bytes, count, duration, grouped, percent } from "../lib/format";
import { agentFacts, type AgentFacts } from "../lib/hosts";
import { ago, exact } from "../lib/time";
import { answer, during } from "../state/answer";
import { href } from "../state/url";
import { Figure } from "../parts/figures";
import { HeadedSection } from "../parts/HeadedSection";
import { Empty, Listed, Loss, Shown } from "../parts/states";
import { Table, type Column } from "../parts/Table";

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
        list={(found) => found.agents.map((agent): Row => ({ agent, facts: agentFacts(agent) }))}
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

/** An agent with what it told, read once. */
interface Row {
  readonly agent: Agent;
  readonly facts: AgentFacts;
}

function columns(): Column<Row>[] {
  return [
    { head: t("Host"), cell: ({ agent }) => <b>{agent.host}</b> },
    { head: t("State"), cell: ({ facts }) => <State facts={facts} /> },
    {
      head: t("Last heard of"),
      wide: true,
      class: "dim",
      title: ({ agent }) => exact(Date.parse(agent.seen)),
      cell: ({ agent }) => t("{time} ago", { time: ago(Date.parse(agent.seen), Date.now()) }),
    },
    { head: t("Version"), class: "mono", cell: ({ agent }) => agent.version ?? "–" },
    { head: t("Kernel"), wide: true, class: "mono dim", cell: ({ agent }) => agent.kernel ?? "–" },
    {
      head: t("Back ends"),
      about: t("By what it sees what is sent and received"),
      class: "mono",
      cell: ({ facts }) => facts.backends.join(", ") || "–",
    },
    { head: t("Events"), num: true, wide: true, cell: ({ agent }) => count(agent.events) },
    {
      head: t("Lost"),
      num: true,
      class: ({ agent }) => (agent.lost > 0 ? "warn hatched" : "dim"),
      title: ({ facts }) => facts.causes,
      cell: ({ agent, facts }) => (agent.lost > 0 ? `△ ${count(agent.lost)} (${percent(facts.lostPart)})` : "0"),
    },
    {
      head: t("Connections watched"),
      num: true,
      class: ({ agent }) => ((agent.sampled ?? 1) < 1 ? "warn hatched" : "dim"),
      cell: ({ agent }) => percent(agent.sampled),
    },
    {
      head: t("Left out"),
      about: t("To stay within its budget"),
      class: ({ facts }) => (facts.leftOut ? "warn" : "dim"),
      cell: ({ facts }) => leftOut(facts.leftOut),
    },
    {
      head: t("Processor"),
      about: t("Of one processor: what it uses, and what it may use"),
      num: true,
      class: ({ facts }) => over(facts.cpu, facts.cpuLimit),
      cell: ({ facts }) => ofBudget(facts.cpu, facts.cpuLimit, percent),
    },
    {
      head: t("Memory"),
      about: t("What it uses, and what it may use"),
      num: true,
      class: ({ facts }) => over(facts.memory, facts.memoryLimit),
      cell: ({ facts }) => ofBudget(facts.memory, facts.memoryLimit, bytes),
    },
    {
      head: t("Told"),
      fill: true,
      class: "dim small",
      title: ({ facts }) => others(facts),
      cell: ({ facts }) => others(facts),
    },
    {
      head: "",
      cell: ({ agent }) => (
        <a class="dim" href={href(["requests"], { filter: term("host", agent.host) })}>
          {t("requests")} →
        </a>
      ),
    },
  ];
}

const others = (facts: AgentFacts) => facts.others.map(([name, value]) => `${name} ${value}`).join(" · ");

const over = (used: number | undefined, limit: number | undefined) =>
  used !== undefined && limit !== undefined && used > limit ? "warn" : "";

function ofBudget(used: number | undefined, limit: number | undefined, told: (value?: number) => string): string {
  const sign = over(used, limit) ? "△ " : "";
  return limit === undefined ? told(used) : `${sign}${told(used)} / ${told(limit)}`;
}

/** The agent's word for what it leaves out, in the language of whoever looks. */
function leftOut(word: string | undefined): string {
  const known: { [word: string]: string } = {
    details: t("details"),
    "fast spans": t("fast spans"),
    connections: t("connections"),
  };
  return word === undefined ? t("none") : (known[word] ?? word);
}

function State(props: { facts: AgentFacts }) {
  const told = () =>
    ({
      away: ["error", `▲ ${t("away")}`],
      shedding: ["warn", `△ ${t("sheds work")}`],
      losing: ["warn", `△ ${t("loses events")}`],
      well: ["", t("well")],
    })[props.facts.state] as [string, string];
  return <span class={`chip ${told()[0]}`}>{told()[1]}</span>;
}
