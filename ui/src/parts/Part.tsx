/** Pages that are loaded when they are gone to, and what is said where that fails. */
import { createEffect, createResource, ErrorBoundary, on, Show, type Component, type JSX } from "solid-js";
import { Dynamic } from "solid-js/web";
import { t } from "../i18n";
import { path } from "../state/url";

/** A page of its own file. One that was not loaded is tried again when it is gone to again: a server may be back by then. */
export function loaded(load: () => Promise<{ default: Component }>): Component {
  let known: Component | undefined;
  return () => {
    // In a list: a function that is a signal's value would be called.
    const [part] = createResource(() =>
      known ? ([known] as const) : load().then((found) => [(known = found.default)] as const),
    );
    return (
      <Show when={part.error === undefined} fallback={<Anew title={t("This page was not loaded")} />}>
        <Dynamic component={part()?.[0]} />
      </Show>
    );
  };
}

/** What is drawn, or that it could not be: the rest of the page stays, and another address is drawn again. */
export function Guarded(props: { children: JSX.Element }) {
  return (
    <ErrorBoundary
      fallback={(error, reset) => {
        console.error(error);
        createEffect(on(path, reset, { defer: true }));
        return <Anew title={t("This page could not be drawn")} detail={String(error)} />;
      }}
    >
      {props.children}
    </ErrorBoundary>
  );
}

function Anew(props: { title: string; detail?: string }) {
  return (
    <div class="notice error" role="alert">
      <b>▲</b>
      <span>
        <b>{props.title}</b>
        <Show when={props.detail}>: {props.detail}</Show>
        <span class="dim">
          {" "}
          {t("The server may be another version by now, or away. What you look at stays the same.")}
        </span>
      </span>
      <button class="framed right" onClick={() => window.location.reload()}>
        {t("Load it anew")}
      </button>
    </div>
  );
}
