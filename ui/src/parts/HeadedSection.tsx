/** A part of a page under a heading. */
import { Show, type JSX } from "solid-js";

export function HeadedSection(props: {
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
