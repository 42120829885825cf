/** What is around every page: where to go, which time, and the keyboard. */
import { createSignal, For, Match, onCleanup, onMount, Show, Suspense, Switch } from "solid-js";
import { t } from "../i18n";
import { keepFresh, waiting } from "../state/answer";
import { applyPrefs, chooseLanguage, chooseTheme, language, theme } from "../state/prefs";
import { wanted } from "../state/token";
import { go, href, look, looked, param, path, set } from "../state/url";
import { shifted } from "../lib/time";
import { Help } from "./Help";
import { Mark } from "./icons";
import { Palette } from "./Palette";
import { Guarded, loaded } from "./Part";
import { Skeleton } from "./states";
import { TimePicker } from "./TimePicker";
import { TokenDialog } from "./TokenDialog";

const MapPage = loaded(() => import("../pages/Map"));
const Services = loaded(() => import("../pages/Services"));
const Service = loaded(() => import("../pages/Service"));
const Requests = loaded(() => import("../pages/Requests"));
const Request = loaded(() => import("../pages/Request"));
const Traces = loaded(() => import("../pages/Traces"));
const Trace = loaded(() => import("../pages/Trace"));
const Compare = loaded(() => import("../pages/Compare"));
const Hosts = loaded(() => import("../pages/Hosts"));

/** The pages, in the order of the questions that they answer. */
export const PAGES: readonly { readonly name: string; readonly title: () => string; readonly key: string }[] = [
  { name: "", title: () => t("Map"), key: "1" },
  { name: "services", title: () => t("Services"), key: "2" },
  { name: "requests", title: () => t("Requests"), key: "3" },
  { name: "traces", title: () => t("Traces"), key: "4" },
  { name: "compare", title: () => t("Compare"), key: "5" },
  { name: "hosts", title: () => t("Hosts"), key: "6" },
];

/** How the palette is opened by the keyboard. */
const KEY = /Mac/.test(navigator.platform) ? "⌘K" : "Ctrl K";

/** Whether a key was meant for something that is written into. */
export function isWriting(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return target !== null && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable);
}

/** Nothing is selected any more: neither on the map nor in the heat map. */
function endSelection(): void {
  if (param("sel")) set({ sel: undefined });
  else if (param("node") || param("edge")) set({ node: undefined, edge: undefined, show: undefined }, true);
}

export function Frame() {
  const [palette, setPalette] = createSignal(false);
  const [help, setHelp] = createSignal(false);
  const page = () => path()[0] ?? "";

  applyPrefs();
  keepFresh();

  const onKey = (event: KeyboardEvent) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      setPalette((open) => !open);
      return;
    }
    if (event.key === "Escape" && !event.defaultPrevented) {
      if (palette() || help()) {
        setPalette(false);
        setHelp(false);
      } else if (!isWriting(event) && !document.querySelector("[role=dialog]")) endSelection();
      return;
    }
    if (event.metaKey || event.ctrlKey || event.altKey || isWriting(event)) return;
    const target = PAGES.find((page) => page.key === event.key);
    if (target) go(href(target.name ? [target.name] : []));
    else if (event.key === "?") setHelp((open) => !open);
    else if (event.key === "[") look(shifted(looked(), -1, Date.now()));
    else if (event.key === "]") look(shifted(looked(), 1, Date.now()));
    else if (event.key === "/") {
      const search = document.querySelector<HTMLInputElement>("main input[type=search], main input[data-filter]");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
  };
  onMount(() => document.addEventListener("keydown", onKey));
  onCleanup(() => document.removeEventListener("keydown", onKey));

  return (
    <>
      <header class="top">
        <a class="brand" href={href([])}>
          <Mark /> Weir
        </a>
        <nav aria-label={t("Pages")}>
          <For each={PAGES}>
            {(one) => (
              <a href={href(one.name ? [one.name] : [])} aria-current={page() === one.name ? "page" : undefined}>
                {one.title()}
              </a>
            )}
          </For>
        </nav>
        <div class="tools">
          <span class="busy" classList={{ on: waiting() > 0 }} />
          <button class="search dim" onClick={() => setPalette(true)} aria-label={`${t("Go to anything")} ${KEY}`}>
            <span class="wide">{t("Go to anything")}</span> <kbd>{KEY}</kbd>
          </button>
          <TimePicker />
          <button
            class="wide"
            aria-label={t("Language")}
            title={t("Language")}
            onClick={() => chooseLanguage(language() === "en" ? "zh" : "en")}
          >
            {language() === "en" ? "中" : "EN"}
          </button>
          <button
            aria-label={theme() === "dark" ? t("Light theme") : t("Dark theme")}
            title={theme() === "dark" ? t("Light theme") : t("Dark theme")}
            onClick={() => chooseTheme(theme() === "dark" ? "light" : "dark")}
          >
            {theme() === "dark" ? "☀" : "☾"}
          </button>
          <button class="wide" aria-label={t("Keys")} title={t("Keys")} onClick={() => setHelp(true)}>
            ?
          </button>
        </div>
      </header>
      <main>
        <Guarded>
          <Suspense fallback={<Skeleton />}>
            <Switch fallback={<MapPage />}>
              <Match when={page() === "services" && path()[1]}>
                <Service />
              </Match>
              <Match when={page() === "services"}>
                <Services />
              </Match>
              <Match when={page() === "requests" && path()[1]}>
                <Request />
              </Match>
              <Match when={page() === "requests"}>
                <Requests />
              </Match>
              <Match when={page() === "traces" && path()[1]}>
                <Trace />
              </Match>
              <Match when={page() === "traces"}>
                <Traces />
              </Match>
              <Match when={page() === "compare"}>
                <Compare />
              </Match>
              <Match when={page() === "hosts"}>
                <Hosts />
              </Match>
            </Switch>
          </Suspense>
        </Guarded>
      </main>
      <Show when={palette()}>
        <Palette close={() => setPalette(false)} />
      </Show>
      <Show when={wanted()}>
        <TokenDialog />
      </Show>
      <Show when={help()}>
        <Help close={() => setHelp(false)} />
      </Show>
    </>
  );
}
