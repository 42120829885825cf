/** Which time is looked at, and how often anew. */
import { createSignal, For, onCleanup, onMount, Show } from "solid-js";
import { t } from "../i18n";
import { clock, day, exact, forInput, isRelative, iso, moment, RANGES, shifted, usualRefresh } from "../lib/time";
import { every, refresh } from "../state/answer";
import { look, looked, param, set } from "../state/url";

/** `-15m` in words. */
export function rangeName(from: string): string {
  const found = /^-(\d+)([smhd])$/.exec(from);
  const amount = found?.[1] ?? "";
  const names: { [unit: string]: () => string } = {
    s: () => t("last {n} s", { n: amount }),
    m: () => t("last {n} min", { n: amount }),
    h: () => t("last {n} h", { n: amount }),
    d: () => t("last {n} d", { n: amount }),
  };
  return names[found?.[2] ?? ""]?.() ?? from;
}

function absolute(): string {
  const now = Date.now();
  const [from, to] = [moment(looked().from, now) ?? now, moment(looked().to, now) ?? now];
  const sameDay = day(from) === day(to) && day(from) === day(now);
  return `${sameDay ? "" : `${day(from)} `}${clock(from)} – ${day(from) === day(to) ? "" : `${day(to)} `}${clock(to)}`;
}

export function TimePicker() {
  const [open, setOpen] = createSignal(false);
  let box!: HTMLDivElement;
  let button!: HTMLButtonElement;
  let from!: HTMLInputElement;
  let to!: HTMLInputElement;
  const outside = (event: Event) => {
    if (!box.contains(event.target as globalThis.Node)) setOpen(false);
  };
  const escape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open()) return;
    // Whoever was in it goes on from the button.
    if (box.contains(document.activeElement)) button.focus();
    setOpen(false);
  };
  onMount(() => {
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", escape);
  });
  onCleanup(() => {
    document.removeEventListener("pointerdown", outside);
    document.removeEventListener("keydown", escape);
  });
  const apply = () => {
    const [begin, end] = [Date.parse(from.value), Date.parse(to.value)];
    if (!(begin < end)) return (to.setCustomValidity(t("The end lies before the beginning")), to.reportValidity());
    look({ from: iso(begin), to: iso(end) });
    setOpen(false);
  };
  const title = () => {
    const now = Date.now();
    return `${exact(moment(looked().from, now) ?? now)} – ${exact(moment(looked().to, now) ?? now)}`;
  };
  return (
    <div class="anchor flow picker" ref={box}>
      <button aria-label={t("Earlier")} title={t("Earlier")} onClick={() => look(shifted(looked(), -1, Date.now()))}>
        ‹
      </button>
      <button
        ref={button}
        class="framed"
        aria-haspopup="dialog"
        aria-expanded={open()}
        title={title()}
        onClick={() => setOpen(!open())}
      >
        <Show when={isRelative(looked())} fallback={<span class="mono">{absolute()}</span>}>
          {rangeName(looked().from)}
        </Show>
        <span class="dim">▾</span>
      </button>
      <button
        aria-label={t("Later")}
        title={t("Later")}
        disabled={looked().to === "now"}
        onClick={() => look(shifted(looked(), 1, Date.now()))}
      >
        ›
      </button>
      <button
        class="framed live"
        aria-pressed={every() > 0}
        title={
          isRelative(looked())
            ? every()
              ? t("Asked again every {n} s; click to stop", { n: every() })
              : t("Click to ask again every {n} s", { n: usualRefresh(looked(), Date.now()) })
            : t("Ask again")
        }
        onClick={() => {
          if (isRelative(looked())) set({ every: every() ? "off" : undefined });
          refresh();
        }}
      >
        ⟳ <span class="wide">{every() ? (param("every") ? `${every()} s` : t("live")) : t("refresh")}</span>
      </button>
      <Show when={open()}>
        <div class="float times" role="dialog" aria-label={t("Time range")}>
          <div class="presets">
            <For each={RANGES}>
              {(preset) => (
                <button
                  aria-pressed={isRelative(looked()) && looked().from === preset}
                  onClick={() => {
                    look({ from: preset, to: "now" });
                    setOpen(false);
                  }}
                >
                  {rangeName(preset)}
                </button>
              )}
            </For>
          </div>
          <form
            class="absolute"
            onSubmit={(event) => {
              event.preventDefault();
              apply();
            }}
          >
            <label>
              <span class="dim small">{t("From")}</span>
              <input
                ref={from}
                type="datetime-local"
                step="1"
                value={forInput(moment(looked().from, Date.now()) ?? 0)}
                onInput={() => to.setCustomValidity("")}
              />
            </label>
            <label>
              <span class="dim small">{t("To")}</span>
              <input
                ref={to}
                type="datetime-local"
                step="1"
                value={forInput(moment(looked().to, Date.now()) ?? 0)}
                onInput={() => to.setCustomValidity("")}
              />
            </label>
            <button class="framed" type="submit">
              {t("Look at this time")}
            </button>
            <label class="flow">
              <span class="dim small">{t("Refresh")}</span>
              <select
                class="right"
                value={param("every")}
                onChange={(event) => set({ every: event.currentTarget.value })}
              >
                <For each={["", "5", "10", "30", "60", "off"]}>
                  {(value) => (
                    <option value={value}>
                      {value === "" ? t("as it fits") : value === "off" ? t("off") : t("every {n} s", { n: value })}
                    </option>
                  )}
                </For>
              </select>
            </label>
            <span class="dim small">{exact(Date.now()).split(" ").slice(2).join(" ")}</span>
          </form>
        </div>
      </Show>
    </div>
  );
}
