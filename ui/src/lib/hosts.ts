/** What an agent tells of itself, as it is shown: words, numbers and the whole of which they are a part. */
import type { Agent } from "../api/client";

export interface AgentFacts {
  /** `away`: not heard of; `shedding`: it leaves something out to stay within its budget; `losing`: events were lost in this time. */
  readonly state: "away" | "shedding" | "losing" | "well";
  /** By what it sees what is sent and what is received; one where both are the same. */
  readonly backends: readonly string[];
  /** What it leaves out now, in the agent's word; none where it is nothing. */
  readonly leftOut: string | undefined;
  /** Processors, and how many it may use. */
  readonly cpu: number | undefined;
  readonly cpuLimit: number | undefined;
  /** Bytes, and how many it may use. */
  readonly memory: number | undefined;
  readonly memoryLimit: number | undefined;
  /** Which part of all kernel events of this time was lost: 0 to 1. */
  readonly lostPart: number;
  /** What was lost since it began, by cause, as it tells it. */
  readonly causes: string;
  /** What else it told, by name. */
  readonly others: readonly (readonly [string, string])[];
}

const KNOWN = new Set([
  "stage",
  "cpu",
  "cpu.limit",
  "memory.bytes",
  "memory.limit.bytes",
  "sees.sent.by",
  "sees.received.by",
  "lost.by.cause",
]);

export function agentFacts(agent: Agent): AgentFacts {
  const told = agent.attributes ?? {};
  const number = (name: string) => {
    const value = Number(told[name]);
    return told[name] !== undefined && told[name] !== "" && Number.isFinite(value) ? value : undefined;
  };
  const stage = told["stage"];
  const leftOut = stage === undefined || stage === "nothing" ? undefined : stage;
  const sheds = leftOut !== undefined || (agent.sampled ?? 1) < 1;
  const all = agent.events + agent.lost;
  return {
    state: agent.away ? "away" : sheds ? "shedding" : agent.lost > 0 ? "losing" : "well",
    backends: [...new Set([told["sees.sent.by"], told["sees.received.by"]].filter((name) => name !== undefined))],
    leftOut,
    cpu: number("cpu"),
    cpuLimit: number("cpu.limit"),
    memory: number("memory.bytes"),
    memoryLimit: number("memory.limit.bytes"),
    lostPart: all > 0 ? agent.lost / all : 0,
    causes: told["lost.by.cause"] ?? "",
    others: Object.entries(told)
      .filter(([name]) => !KNOWN.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}
