/** Whom a service cannot do without, whom it can, and who feels it when it fails. */
import { For, Show } from "solid-js";
import type { Dependency } from "../api/client";
import { t } from "../i18n";
import { duration, percent } from "../lib/format";
import { answer, during } from "../state/answer";
import { href } from "../state/url";
import { FigureCells } from "./figures";

function verdict(of: Dependency): string {
  return { strong: t("needs it"), weak: t("does without"), unknown: t("not known yet") }[of.verdict];
}

/** What a verdict is based on, in words. */
export function evidence(of: Dependency): string {
  const found = of.evidence;
  if (!found) return t("it was never in trouble in this time, so nothing tells");
  const unit = found.trouble === "errors" ? percent : duration;
  const values = {
    n: found.windows,
    all: found.windows + found.others,
    then: unit(found.caller_then),
    otherwise: unit(found.caller_otherwise),
  };
  return found.trouble === "errors"
    ? t("while it failed ({n} of {all} windows), {then} of the caller's own requests failed, else {otherwise}", values)
    : t("while it was slow ({n} of {all} windows), the caller's p95 was {then}, else {otherwise}", values);
}

function ask(name: () => string) {
  return answer(() => ({ path: "/api/v1/services/{name}/dependencies", names: { name: name() }, query: during() }), {
    about: name,
    once: true,
  });
}

/** As a part of a service's page. */
export function Dependencies(props: { name: string }) {
  const found = ask(() => props.name);
  return (
    <Show when={found()}>
      {(all) => (
        <div class="columns">
          <Show when={all().dependencies.length > 0}>
            <section class="section">
              <div class="flow">
                <h2>{t("Depends on")}</h2>
                <span class="dim small">{t("strong where it cannot do without")}</span>
              </div>
              <div class="scroll limited">
                <table>
                  <thead>
                    <tr>
                      <th>{t("Service")}</th>
                      <th>{t("Verdict")}</th>
                      <th class="num">{t("Rate")}</th>
                      <th class="num">{t("Errors")}</th>
                      <th class="num">p50</th>
                      <th class="num">p95</th>
                      <th class="num">p99</th>
                    </tr>
                  </thead>
                  <tbody>
                    <For each={all().dependencies}>
                      {(one) => (
                        <tr title={evidence(one)}>
                          <td class="fill">
                            <a href={href(["services", one.server])}>{one.server}</a>
                          </td>
                          <td>
                            <span class={one.verdict === "strong" ? "" : "dim"}>
                              {one.verdict === "strong" ? "■ " : one.verdict === "weak" ? "□ " : "· "}
                              {verdict(one)}
                            </span>
                          </td>
                          <FigureCells figures={one.figures} />
                        </tr>
                      )}
                    </For>
                  </tbody>
                </table>
              </div>
            </section>
          </Show>
          <Show when={all().blast_radius.length > 0}>
            <section class="section">
              <div class="flow">
                <h2>{t("Blast radius")}</h2>
                <span class="dim small">{t("who feels it when this service fails")}</span>
                <a class="dim small right" href={href([], { node: props.name, show: "blast" })}>
                  {t("On the map")} →
                </a>
              </div>
              <div class="scroll limited">
                <table>
                  <thead>
                    <tr>
                      <th>{t("Service")}</th>
                      <th class="num">{t("Calls between")}</th>
                      <th>{t("Through")}</th>
                      <th>{t("Verdict")}</th>
                    </tr>
                  </thead>
                  <tbody>
                    <For each={all().blast_radius}>
                      {(one) => (
                        <tr>
                          <td class="fill">
                            <a href={href(["services", one.service])}>{one.service}</a>
                          </td>
                          <td class="num">{one.distance}</td>
                          <td class="dim">{one.through}</td>
                          <td class={one.strong ? "" : "dim"}>
                            {one.strong ? `■ ${t("fails with it")}` : `□ ${t("may do without")}`}
                          </td>
                        </tr>
                      )}
                    </For>
                  </tbody>
                </table>
              </div>
              <Show when={all().cycles.length > 0}>
                <p class="small dim">
                  {t("Part of a circle")}:{" "}
                  {all()
                    .cycles.slice(0, 2)
                    .map((cycle) => [...cycle, cycle[0]].join(" → "))
                    .join("; ")}
                </p>
              </Show>
            </section>
          </Show>
        </div>
      )}
    </Show>
  );
}

/** As a line of the map's panel. */
export function DependencyLine(props: { name: string }) {
  const found = ask(() => props.name);
  const named = (strength: string) =>
    (found()?.dependencies ?? []).filter((one) => one.verdict === strength).map((one) => one.server);
  return (
    <Show when={(found()?.dependencies.length ?? 0) > 0}>
      <p class="small">
        <span class="dim">{t("Cannot do without")}: </span>
        {named("strong").join(", ") || "–"}
        <br />
        <span class="dim">{t("Can do without")}: </span>
        {named("weak").join(", ") || "–"}
        <Show when={named("unknown").length > 0}>
          <br />
          <span class="dim">{t("{n} not known yet: they were never in trouble", { n: named("unknown").length })}</span>
        </Show>
      </p>
    </Show>
  );
}
