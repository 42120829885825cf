/** Hosts and their agents: whether they are well, what they lost; and the server itself. */
import { For, Show } from "solid-js";
import { t } from "../i18n";
import { term } from "../lib/filter";
import { bytes, count, duration, grouped, percent } from "../lib/format";
import { ago, exact } from "../lib/time";
import { answer, during } from "../state/answer";
import { href } from "../state/url";
import { Empty, Loss, Shown } from "../parts/states";

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
      <Shown of={agents} rows={4}>
        {(found) => (
          <Show
            when={found().agents.length > 0}
            fallback={
              <Empty title={t("No agent told of itself in this time")} command="sudo weir up">
                {t(
                  "`weir up` observes this host. Agents of other hosts send here once they know this server's address.",
                )}
              </Empty>
            }
          >
            <div class="scroll">
              <table>
                <thead>
                  <tr>
                    <th>{t("Host")}</th>
                    <th>{t("State")}</th>
                    <th>{t("Last heard of")}</th>
                    <th>{t("Version")}</th>
                    <th>{t("Kernel")}</th>
                    <th class="num">{t("Events")}</th>
                    <th class="num">{t("Lost")}</th>
                    <th class="num">{t("Watched")}</th>
                    <th>{t("Told")}</th>
                    <th />
                  </tr>
                </thead>
                <tbody>
                  <For each={found().agents}>
                    {(agent) => {
                      const lossy = () => agent.lost > 0;
                      const shedding = () => (agent.sampled ?? 1) < 1;
                      return (
                        <tr>
                          <td>
                            <b>{agent.host}</b>
                          </td>
                          <td>
                            <Show when={!agent.away} fallback={<span class="chip error">▲ {t("away")}</span>}>
                              <Show when={lossy() || shedding()} fallback={<span class="chip">{t("well")}</span>}>
                                <span class="chip warn">△ {shedding() ? t("sheds work") : t("loses events")}</span>
                              </Show>
                            </Show>
                          </td>
                          <td class="dim" title={exact(Date.parse(agent.seen))}>
                            {t("{time} ago", { time: ago(Date.parse(agent.seen), Date.now()) })}
                          </td>
                          <td class="mono">{agent.version ?? "–"}</td>
                          <td class="mono dim">{agent.kernel ?? "–"}</td>
                          <td class="num">{count(agent.events)}</td>
                          <td class={`num ${lossy() ? "warn hatched" : "dim"}`}>
                            {lossy()
                              ? `△ ${count(agent.lost)} (${percent(agent.lost / (agent.events + agent.lost))})`
                              : "0"}
                          </td>
                          <td class={`num ${shedding() ? "warn hatched" : "dim"}`}>{percent(agent.sampled ?? 1)}</td>
                          <td class="dim small fill" title={told(agent.attributes)}>
                            {told(agent.attributes)}
                          </td>
                          <td>
                            <a class="dim" href={href(["requests"], { filter: term("host", agent.host) })}>
                              {t("requests")} →
                            </a>
                          </td>
                        </tr>
                      );
                    }}
                  </For>
                </tbody>
              </table>
            </div>
          </Show>
        )}
      </Shown>
      <section class="section">
        <div class="flow">
          <h2>{t("This server")}</h2>
        </div>
        <Shown of={health} rows={2}>
          {(found) => (
            <>
              <Show when={found().store.trouble}>{(trouble) => <p class="notice error">▲ {trouble()}</p>}</Show>
              <div class="figures">
                <div class="figure">
                  <b class={found().status === "ok" ? "" : "error"}>
                    {found().status === "ok" ? t("well") : `▲ ${found().status}`}
                  </b>
                  <span>{t("State")}</span>
                </div>
                <div class="figure">
                  <b>{found().version}</b>
                  <span>{t("Version")}</span>
                </div>
                <div class="figure">
                  <b>{duration(found().uptime)}</b>
                  <span>{t("has been running")}</span>
                </div>
                <div class="figure">
                  <b>{grouped(found().store.rows)}</b>
                  <span>{t("rows stored since then")}</span>
                </div>
                <div class="figure">
                  <b>{bytes(found().store.recent_bytes)}</b>
                  <span>{t("in memory and the log only")}</span>
                </div>
                <div class="figure">
                  <b class={found().store.refused + found().store.failed > 0 ? "error" : ""}>
                    {grouped(found().store.refused + found().store.failed)}
                  </b>
                  <span>{t("batches refused or failed")}</span>
                </div>
              </div>
            </>
          )}
        </Shown>
      </section>
    </>
  );
}

function told(attributes: { [name: string]: string } | undefined): string {
  const known = new Map(TOLD);
  return Object.entries(attributes ?? {})
    .sort(([a], [b]) => Number(known.has(b)) - Number(known.has(a)) || (a < b ? -1 : 1))
    .map(([name, value]) => `${known.has(name) ? known.get(name) : name} ${value}`)
    .join(" · ");
}
