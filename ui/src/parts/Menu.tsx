/** A button with what it opens. It closes when something else is gone to. */
import { createSignal, Show, type JSX } from "solid-js";

export function Menu(props: { name: string; class: string; children: (close: () => void) => JSX.Element }) {
  const [open, setOpen] = createSignal(false);
  const inside = (box: HTMLElement, to: EventTarget | null) => box.contains(to as globalThis.Node | null);
  return (
    <div
      class="anchor"
      onFocusOut={(event) => !inside(event.currentTarget, event.relatedTarget) && setOpen(false)}
      onKeyDown={(event) => event.key === "Escape" && setOpen(false)}
    >
      <button class="framed" aria-expanded={open()} onClick={() => setOpen(!open())}>
        {props.name} ▾
      </button>
      <Show when={open()}>
        <div class={`float ${props.class}`} tabindex="-1">
          {props.children(() => setOpen(false))}
        </div>
      </Show>
    </div>
  );
}
