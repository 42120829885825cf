/** Whom a service cannot do without, whom it can, and who feels it when it fails. */
import { Show } from "solid-js";
import type { Blast, Dependency } from "../api/client";
import { t } from "../i18n";
import { duration, percent } from "../lib/format";
import { answer, during } from "../state/answer";
import { href } from "../state/url";
import { HeadedSection } from "./HeadedSection";
import { figureColumns, Table, type Column } from "./Table";

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

function needed(): Column<Dependency>[] {
  return [
    { head: t("Service"), fill: true, cell: (one) => <a href={href(["services", one.server])}>{one.server}</a> },
    {
      head: t("Verdict"),
      class: (one) => (one.verdict === "strong" ? "" : "dim"),
      cell: (one) => `${{ strong: "■", weak: "□", unknown: "·" }[one.verdict]} ${verdict(one)}`,
    },
    ...figureColumns<Dependency>((one) => one.figures),
  ];
}

function affected(): Column<Blast>[] {
  return [
    { head: t("Service"), fill: true, cell: (one) => <a href={href(["services", one.service])}>{one.service}</a> },
    { head: t("Calls between"), num: true, cell: (one) => one.distance },
    { head: t("Through"), class: "dim", cell: (one) => one.through },
    {
      head: t("Verdict"),
      class: (one) => (one.strong ? "" : "dim"),
      cell: (one) => (one.strong ? `■ ${t("fails with it")}` : `□ ${t("may do without")}`),
    },
  ];
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
            <HeadedSection title={t("Depends on")} note={t("strong where it cannot do without")}>
              <Table limited rows={all().dependencies} columns={needed()} title={evidence} />
            </HeadedSection>
          </Show>
          <Show when={all().blast_radius.length > 0}>
            <HeadedSection
              title={t("Blast radius")}
              note={t("who feels it when this service fails")}
              more={
                <a class="dim small" href={href([], { node: props.name, show: "blast" })}>
                  {t("On the map")} →
                </a>
              }
            >
              <Table limited rows={all().blast_radius} columns={affected()} />
              <Show when={all().cycles.length > 0}>
                <p class="small dim">
                  {t("Part of a circle")}:{" "}
                  {all()
                    .cycles.slice(0, 2)
                    .map((cycle) => [...cycle, cycle[0]].join(" → "))
                    .join("; ")}
                </p>
              </Show>
            </HeadedSection>
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
