/** Figures of requests, everywhere alike: rate, errors, p50, p95, p99. */
import { For, type JSX } from "solid-js";
import type { Figures } from "../api/client";
import { t } from "../i18n";
import { count, duration, percent, rate } from "../lib/format";
import { spark } from "../lib/series";

/** From this part of failures on, something is worth a warning, or an alarm. */
export const WARNING = 0.01;
export const ALARM = 0.05;

export function state(errors: number, ratio: number): "error" | "warn" | "" {
  if (errors === 0) return "";
  return ratio >= ALARM ? "error" : ratio >= WARNING ? "warn" : "";
}

/** The part that failed, with a sign where it matters. */
export function Errors(props: { figures: Figures }) {
  const is = () => state(props.figures.errors, props.figures.error_ratio);
  return (
    <span
      class={is()}
      title={t("{n} of {all} failed", { n: count(props.figures.errors), all: count(props.figures.count) })}
    >
      {is() === "error" ? "▲ " : is() === "warn" ? "△ " : ""}
      {props.figures.count === 0 ? "–" : percent(props.figures.error_ratio)}
    </span>
  );
}

/** A value with its name below. */
export function Figure(props: { value: JSX.Element; name: string; large?: boolean; bad?: boolean }) {
  return (
    <div class="figure">
      <b classList={{ large: props.large ?? false, error: props.bad ?? false }}>
        {props.bad ? "▲ " : ""}
        {props.value}
      </b>
      <span>{props.name}</span>
    </div>
  );
}

export function FigureRow(props: { figures: Figures; large?: boolean; children?: JSX.Element }) {
  const all = (): readonly (readonly [string, JSX.Element])[] => [
    [t("requests"), rate(props.figures.rate)],
    [t("errors"), <Errors figures={props.figures} />],
    ["p50", duration(props.figures.p50)],
    ["p95", duration(props.figures.p95)],
    ["p99", duration(props.figures.p99)],
  ];
  return (
    <div class="figures">
      <For each={all()}>{([name, value]) => <Figure name={name} value={value} large={props.large ?? false} />}</For>
      {props.children}
    </div>
  );
}

/** A figure over time, small. */
export function Spark(props: { values: readonly (number | null)[]; label: string; error?: boolean; most?: number }) {
  return (
    <svg class="spark" viewBox="0 0 96 20" role="img" aria-label={props.label} preserveAspectRatio="none">
      <path class={props.error ? "error" : ""} d={spark(props.values, 96, 20, props.most)} />
    </svg>
  );
}
