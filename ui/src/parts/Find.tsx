/** What is looked for among services: a part of a name, kept in the URL. */
import { createEffect, createSignal, onCleanup } from "solid-js";
import { t } from "../i18n";
import { param, set } from "../state/url";

/** What is typed is looked for when the hand rests: milliseconds. The letters are there at once. */
const REST = 120;

export function Find(props: { enter?: () => void }) {
  const [text, setText] = createSignal(param("find"));
  createEffect(() => setText(param("find")));
  let timer = 0;
  onCleanup(() => window.clearTimeout(timer));
  const look = (text: string) => {
    window.clearTimeout(timer);
    set({ find: text }, true);
  };
  return (
    <input
      type="search"
      placeholder={t("Find a service  /")}
      aria-label={t("Find a service")}
      value={text()}
      onInput={(event) => {
        const { value } = event.currentTarget;
        setText(value);
        window.clearTimeout(timer);
        timer = window.setTimeout(() => look(value), REST);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") {
          look(text());
          props.enter?.();
        }
        if (event.key === "Escape") {
          look("");
          event.currentTarget.blur();
        }
      }}
    />
  );
}
