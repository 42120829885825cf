/** Goes to anything: type a part of its name. */
import { createEffect, createMemo, createSignal, For, onCleanup, onMount, Show } from "solid-js";
import { t } from "../i18n";
import { term } from "../lib/filter";
import { isRelative, RANGES } from "../lib/time";
import { answer, during, refresh } from "../state/answer";
import { chooseLanguage, chooseTheme, language, theme } from "../state/prefs";
import { go, href, look, looked } from "../state/url";
import { PAGES } from "./Frame";
import { KindSign } from "./icons";
import { rangeName } from "./TimePicker";
import type { Kind } from "../api/client";

interface Choice {
  readonly text: string;
  readonly hint: string;
  readonly kind?: Kind;
  /** It is what is left where nothing has the name that was typed. */
  readonly last?: boolean;
  readonly act: () => void;
}

/** How well a text has the letters that were typed, in order: less is better. None where it has them not. */
export function fits(typed: string, text: string): number | undefined {
  const [wanted, given] = [typed.toLowerCase(), text.toLowerCase()];
  const whole = given.indexOf(wanted);
  if (whole >= 0) return whole;
  let at = 0;
  for (const letter of wanted.replace(/\s/g, "")) {
    at = given.indexOf(letter, at) + 1;
    if (at === 0) return undefined;
  }
  return 1000 + at;
}

export function Palette(props: { close: () => void }) {
  const [typed, setTyped] = createSignal("");
  const [cursor, setCursor] = createSignal(0);
  let input!: HTMLInputElement;
  let list!: HTMLDivElement;
  const before = document.activeElement as HTMLElement | null;
  onMount(() => input.focus());
  onCleanup(() => before?.focus?.());
  const services = answer(() => ({ path: "/api/v1/services", query: during() }), { once: true });

  const all = createMemo((): Choice[] => [
    ...PAGES.map((page) => ({
      text: page.title(),
      hint: t("page"),
      act: () => go(href(page.name ? [page.name] : [])),
    })),
    ...(services()?.services ?? []).map((service) => ({
      text: service.name,
      hint: t("service"),
      kind: service.kind,
      act: () => go(href(["services", service.name])),
    })),
    { text: t("Failed requests"), hint: t("filter"), act: () => go(href(["requests"], { filter: "status = error" })) },
    { text: t("Slow requests"), hint: t("filter"), act: () => go(href(["requests"], { filter: "duration > 100ms" })) },
    {
      text: t("SQL by total time"),
      hint: t("filter"),
      act: () => go(href(["requests"], { view: "sql" })),
    },
    {
      text: t("Redis by total time"),
      hint: t("filter"),
      act: () => go(href(["requests"], { view: "redis" })),
    },
    ...RANGES.map((from) => ({ text: rangeName(from), hint: t("time"), act: () => look({ from, to: "now" }) })),
    ...(isRelative(looked())
      ? []
      : [{ text: t("Back to now"), hint: t("time"), act: () => look({ from: "-15m", to: "now" }) }]),
    { text: t("Ask again"), hint: t("command"), act: refresh },
    {
      text: theme() === "dark" ? t("Light theme") : t("Dark theme"),
      hint: t("command"),
      act: () => chooseTheme(theme() === "dark" ? "light" : "dark"),
    },
    {
      text: language() === "en" ? "简体中文" : "English",
      hint: t("command"),
      act: () => chooseLanguage(language() === "en" ? "zh" : "en"),
    },
  ]);
  const choices = createMemo(() => {
    const text = typed().trim();
    if (text === "") return all().slice(0, 60);
    const found = all()
      .map((choice) => ({ choice, fit: fits(text, choice.text) }))
      .filter((one) => one.fit !== undefined)
      .sort((a, b) => (a.fit ?? 0) - (b.fit ?? 0))
      .map((one) => one.choice)
      .slice(0, 40);
    const isFilter = /[=<>]/.test(text);
    const search: Choice = {
      text: isFilter ? text : term("name", text, "^="),
      hint: t("requests with this filter"),
      last: !isFilter,
      act: () => go(href(["requests"], { filter: isFilter ? text : term("name", text, "^=") })),
    };
    return isFilter ? [search, ...found] : [...found, search];
  });
  createEffect(() => {
    choices();
    setCursor(0);
  });
  createEffect(() => list.children[cursor()]?.scrollIntoView({ block: "nearest" }));

  const run = (choice: Choice | undefined) => {
    props.close();
    choice?.act();
  };
  // Who types a service's name faster than the services are known means the service.
  const [waits, setWaits] = createSignal(false);
  const known = () => services() !== undefined || services.error() !== undefined;
  createEffect(() => {
    if (waits() && known()) run(choices()[0]);
  });
  const choose = (choice: Choice | undefined) => (choice?.last && !known() ? setWaits(true) : run(choice));
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setCursor((at) => Math.max(0, Math.min(choices().length - 1, at + step)));
    } else if (event.key === "Enter") choose(choices()[cursor()]);
    else if (event.key === "Tab") event.preventDefault();
  };
  return (
    <div class="veil" onClick={(event) => event.target === event.currentTarget && props.close()}>
      <div class="dialog" role="dialog" aria-modal="true" aria-label={t("Go to anything")} onKeyDown={onKey}>
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="choices"
          aria-activedescendant={`choice-${cursor()}`}
          aria-label={t("Go to anything")}
          placeholder={t("A page, a service, a time, or a filter such as duration > 50ms")}
          onInput={(event) => {
            setWaits(false);
            setTyped(event.currentTarget.value);
          }}
        />
        <div class="choices" id="choices" role="listbox" aria-label={t("Choices")} ref={list}>
          <For each={choices()}>
            {(choice, at) => (
              <div
                role="option"
                id={`choice-${at()}`}
                aria-selected={cursor() === at()}
                onPointerMove={() => setCursor(at())}
                onClick={() => run(choice)}
              >
                <Show when={choice.kind}>{(kind) => <KindSign kind={kind()} />}</Show>
                <span class="cut">{choice.text}</span>
                <span class="right dim small">{choice.hint}</span>
              </div>
            )}
          </For>
        </div>
      </div>
    </div>
  );
}
