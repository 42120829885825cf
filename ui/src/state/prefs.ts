/** What belongs to whoever looks, not to what is looked at: theme and language. */
import { createEffect, createSignal } from "solid-js";

export type Theme = "dark" | "light";
export type Language = "en" | "zh";

function kept(name: string): string | null {
  try {
    return window.localStorage.getItem(`weir.${name}`);
  } catch {
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    window.localStorage.setItem(`weir.${name}`, value);
  } catch {
    // Without storage a choice lasts until the page is closed.
  }
}

const light = window.matchMedia("(prefers-color-scheme: light)");
const chosen = kept("theme");
const [theme, setTheme] = createSignal<Theme>(
  chosen === "dark" || chosen === "light" ? chosen : light.matches ? "light" : "dark",
);
const spoken = kept("language") ?? window.navigator.language;
const [language, setLanguage] = createSignal<Language>(spoken.startsWith("zh") ? "zh" : "en");

export { theme, language };

export function chooseTheme(theme: Theme): void {
  keep("theme", theme);
  setTheme(theme);
}

export function chooseLanguage(language: Language): void {
  keep("language", language);
  setLanguage(language);
}

/** Keeps the document as it was chosen. */
export function applyPrefs(): void {
  createEffect(() => {
    document.documentElement.dataset["theme"] = theme();
  });
  createEffect(() => {
    document.documentElement.lang = language() === "zh" ? "zh-Hans" : "en";
  });
}
