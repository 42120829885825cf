/** A part of a page under a heading, and lists with what stands in their place. */
import { Show, type JSX } from "solid-js";
import type { Answered } from "../state/answer";
import { Shown } from "./states";

export function Section(props: {
  title: string;
  /** What it is, in few words. */
  note?: JSX.Element;
  /** Where there is more. */
  more?: JSX.Element;
  label?: string;
  children: JSX.Element;
}) {
  return (
    <section class="section" aria-label={props.label ?? props.title}>
      <div class="flow wrap">
        <h2>{props.title}</h2>
        <Show when={props.note !== undefined}>
          <span class="dim small">{props.note}</span>
        </Show>
        <Show when={props.more}>
          <span class="right flow">{props.more}</span>
        </Show>
      </div>
      {props.children}
    </section>
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
