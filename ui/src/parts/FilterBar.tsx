/** The filter: text in the server's language, with what could come next, and its conditions as chips. */
import { createEffect, createMemo, createSignal, For, on, Show } from "solid-js";
import type { Failure } from "../api/client";
import { t } from "../i18n";
import { FIELDS } from "../lib/fields";
import { quoted, terms, without } from "../lib/filter";
import { answer, during } from "../state/answer";
import { param, set } from "../state/url";

interface Props {
  error?: Failure | undefined;
}

/** What is being written at the end: a field, an operator, or a field's value. */
export function writing(text: string): {
  kind: "field" | "operator" | "value";
  field: string;
  begun: string;
  before: string;
} {
  const value = /^(.*?)([\w.]+)\s*(!=|<=|>=|\^=|=|<|>)\s*("[^"]*|[^\s"()]*)$/s.exec(text);
  if (value) {
    const begun = value[4] ?? "";
    return {
      kind: "value",
      field: value[2] ?? "",
      begun: begun.replace(/^"/, ""),
      before: text.slice(0, text.length - begun.length),
    };
  }
  const operator = /([\w.]+)\s+$/.exec(text);
  if (operator && FIELDS.includes(operator[1] ?? ""))
    return { kind: "operator", field: operator[1] ?? "", begun: "", before: text };
  const begun = /([\w.]*)$/.exec(text)?.[1] ?? "";
  return { kind: "field", field: "", begun, before: text.slice(0, text.length - begun.length) };
}

export function FilterBar(props: Props) {
  const [text, setText] = createSignal(param("filter"));
  const [open, setOpen] = createSignal(false);
  const [cursor, setCursor] = createSignal(-1);
  let input!: HTMLInputElement;
  createEffect(on(() => param("filter"), setText));

  const now = createMemo(() => writing(text()));
  const values = answer(
    () => {
      const { kind, field } = now();
      if (!open() || kind !== "value" || field === "duration" || field === "status" || !FIELDS.includes(field))
        return undefined;
      return { path: "/api/v1/facets", query: { ...during(), fields: field, limit: 50 } };
    },
    { once: true },
  );
  const choices = createMemo((): { text: string; hint: string; whole: string }[] => {
    const { kind, field, begun, before } = now();
    const fits = (one: string) => one.toLowerCase().includes(begun.toLowerCase());
    if (kind === "field") {
      return FIELDS.filter(fits).map((one) => ({ text: one, hint: "", whole: `${before}${one} ` }));
    }
    if (kind === "operator") {
      const operators =
        field === "duration" ? [">", "<", ">=", "<="] : field === "status" ? ["="] : ["=", "!=", "^=", ">", "<"];
      return operators.map((one) => ({
        text: one,
        hint: one === "^=" ? t("begins with") : "",
        whole: `${before}${one} `,
      }));
    }
    if (field === "status")
      return ["ok", "error"].filter(fits).map((one) => ({ text: one, hint: "", whole: `${before}${one} ` }));
    if (field === "duration") {
      return ["1ms", "10ms", "50ms", "100ms", "500ms", "1s"]
        .filter(fits)
        .map((one) => ({ text: one, hint: "", whole: `${before}${one} ` }));
    }
    return (values()?.facets[0]?.values ?? []).flatMap(({ value, count }) =>
      value !== null && value !== undefined && fits(value)
        ? [{ text: value, hint: String(count), whole: `${before}${quoted(value)} ` }]
        : [],
    );
  });
  createEffect(on(choices, () => setCursor(-1)));

  const apply = () => {
    setOpen(false);
    set({ filter: text().trim(), sel: undefined, after: undefined });
  };
  const take = (whole: string) => {
    setText(whole);
    input.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && choices().length > 0) {
      event.preventDefault();
      setOpen(true);
      setCursor((at) => Math.max(-1, Math.min(choices().length - 1, at + step)));
    } else if ((event.key === "Enter" || event.key === "Tab") && open() && cursor() >= 0) {
      event.preventDefault();
      take(choices()[cursor()]!.whole);
    } else if (event.key === "Enter") apply();
    else if (event.key === "Escape") {
      if (open()) setOpen(false);
      else input.blur();
    }
  };
  return (
    <div class="filter">
      <div class="filter-box">
        <input
          ref={input}
          data-filter
          type="text"
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          role="combobox"
          aria-expanded={open()}
          aria-controls="suggestions"
          aria-label={t("Filter")}
          aria-invalid={props.error?.parameter === "filter"}
          placeholder={t("service = shop and duration > 50ms    (press / to write)")}
          value={text()}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setOpen(true);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => window.setTimeout(() => setOpen(false), 150)}
          onKeyDown={onKey}
        />
        <div
          id="suggestions"
          class="float suggest"
          classList={{ gone: !open() || choices().length === 0 }}
          role="listbox"
          aria-label={t("What could come next")}
        >
          <For each={choices().slice(0, 50)}>
            {(choice, at) => (
              <div
                role="option"
                aria-selected={cursor() === at()}
                onPointerDown={(event) => {
                  event.preventDefault();
                  take(choice.whole);
                }}
                onPointerMove={() => setCursor(at())}
              >
                <span class="cut">{choice.text}</span>
                <span class="right dim">{choice.hint}</span>
              </div>
            )}
          </For>
        </div>
      </div>
      <button class="framed" onClick={apply}>
        {t("Filter")}
      </button>
    </div>
  );
}

/** The conditions, each with a way to drop it. */
export function Terms() {
  const all = createMemo(() => terms(param("filter")) ?? []);
  return (
    <Show when={all().length > 0}>
      <div class="terms">
        <For each={all()}>
          {(condition) => (
            <span class="chip mono">
              {condition}
              <button
                aria-label={t("Drop {condition}", { condition })}
                onClick={() => set({ filter: without(param("filter"), condition) })}
              >
                ×
              </button>
            </span>
          )}
        </For>
        <button onClick={() => set({ filter: undefined, sel: undefined })}>{t("Drop all")}</button>
      </div>
    </Show>
  );
}
