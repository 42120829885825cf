/** What is shown where there is nothing to show, or not all of it. */
import { For, Show, type JSX } from "solid-js";
import type { About, Failure } from "../api/client";
import { t } from "../i18n";
import { grouped, percent } from "../lib/format";
import type { Answered } from "../state/answer";

/** The shape of what is to come. */
export function Skeleton(props: { rows?: number }) {
  return (
    <div class="skeletons" role="status" aria-label={t("Loading")}>
      <For each={Array.from({ length: props.rows ?? 6 })}>{() => <div class="skeleton" />}</For>
    </div>
  );
}

/** Why there is no answer, and what to do. */
export function Trouble(props: { error: Failure; again?: () => void }) {
  const advice = () => {
    const status = props.error.status;
    if (status === 0) return t("Is the server running? `weir up` starts it; this page asks again by itself.");
    if (status === 400) return t("Change what is asked for: the filter or the time range.");
    if (status === 401 || status === 403) return t("This needs a token that allows it.");
    if (status === 404) return t("It may be older than what is kept, or the link is wrong.");
    return t("Ask for a shorter time, or again in a moment.");
  };
  return (
    <div class="notice error" role="alert">
      <b>▲</b>
      <span>
        <b>{t(props.error.title)}</b>
        <Show when={props.error.detail && props.error.status !== 0}>: {props.error.detail}</Show>
        <span class="dim"> {advice()}</span>
      </span>
      <Show when={props.again}>
        {(again) => (
          <button class="framed right" onClick={() => again()()}>
            {t("Try again")}
          </button>
        )}
      </Show>
    </div>
  );
}

/** Nothing is there: what is waited for, and a command to try. */
export function Empty(props: { title: string; children?: JSX.Element; command?: string }) {
  return (
    <div class="empty">
      <h2>{props.title}</h2>
      <div class="dim">{props.children}</div>
      <Show when={props.command}>
        <code>{props.command}</code>
      </Show>
    </div>
  );
}

/** A host on which nobody asks anything: how to make a first request. A call that nobody answers is none, so that a server is a part of it. */
export function FirstRequest(props: { title: string; children?: JSX.Element }) {
  const ways = (): readonly (readonly [string, string])[] => [
    [t("Ask a server of this host:"), "curl http://localhost/"],
    [t("There is none? This is one, for a try:"), "python3 -m http.server 8000 & sleep 1; curl http://localhost:8000/"],
    [t("The same requests in a terminal, as they come:"), "sudo weir requests"],
  ];
  return (
    <div class="empty">
      <h2>{props.title}</h2>
      <div class="dim">{props.children}</div>
      <ul class="plain-list try">
        <For each={ways()}>
          {([why, command]) => (
            <li>
              <span class="dim">{why}</span> <code>{command}</code>
            </li>
          )}
        </For>
      </ul>
    </div>
  );
}

/** An answer, or what stands in its place; dimmed while a newer one is waited for. */
export function Shown<T>(props: {
  of: Answered<T>;
  rows?: number;
  children: (value: () => NonNullable<T>) => JSX.Element;
}) {
  return (
    <>
      <Show when={props.of.error()}>{(error) => <Trouble error={error()} again={props.of.again} />}</Show>
      <Show
        when={props.of()}
        fallback={
          <Show when={!props.of.error()}>
            <Skeleton rows={props.rows ?? 6} />
          </Show>
        }
      >
        {(value) => (
          <div class="shown" classList={{ stale: props.of.stale() }}>
            {props.children(value as () => NonNullable<T>)}
          </div>
        )}
      </Show>
    </>
  );
}

/** A list as an answer has it; while it is waited for its shape, else why it is not there, or what to do where it is empty. */
export function Listed<T, Row>(props: {
  of: Answered<T>;
  list: (value: NonNullable<T>) => readonly Row[];
  empty: JSX.Element;
  /** How many rows its shape has. */
  rows?: number;
  children: (rows: () => readonly Row[]) => JSX.Element;
}) {
  return (
    <Shown of={props.of} rows={props.rows ?? 12}>
      {(found) => (
        <Show when={props.list(found()).length > 0} fallback={props.empty}>
          {props.children(() => props.list(found()))}
        </Show>
      )}
    </Shown>
  );
}

/** Loss and sampling, where figures suffer from them. */
export function Loss(props: { about: About | undefined }) {
  return (
    <Show when={props.about}>
      {(about) => (
        <>
          <Show when={about().coverage.lost > 0}>
            <p class="notice hatched" role="note">
              {t("{lost} kernel events ({part}) were lost in this time: figures are lower than the truth.", {
                lost: grouped(about().coverage.lost),
                part: percent(about().coverage.lost_ratio),
              })}
            </p>
          </Show>
          <Show when={about().coverage.sampled < 1}>
            <p class="notice hatched" role="note">
              {t(
                "Only {part} of connections were watched at times, to stay within the budget: figures are lower than the truth.",
                {
                  part: percent(about().coverage.sampled),
                },
              )}
            </p>
          </Show>
          <Show when={(about().damaged ?? []).length > 0}>
            <p class="notice hatched" role="note">
              {t("A part of the store is damaged and left out: {files}", { files: (about().damaged ?? []).join(", ") })}
            </p>
          </Show>
        </>
      )}
    </Show>
  );
}
