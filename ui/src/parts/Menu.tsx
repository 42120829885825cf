/** A button with what it opens. It closes when something else is gone to. */
import { createSignal, Show, type JSX } from "solid-js";

export function Menu(props: { name: string; class: string; children: (close: () => void) => JSX.Element }) {
  const [open, setOpen] = createSignal(false);
  let button!: HTMLButtonElement;
  const inside = (box: HTMLElement, to: EventTarget | null) => box.contains(to as globalThis.Node | null);
  return (
    <div
      class="anchor"
      onFocusOut={(event) => !inside(event.currentTarget, event.relatedTarget) && setOpen(false)}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open()) return;
        // Whoever was in it goes on from the button.
        button.focus();
        setOpen(false);
        event.preventDefault();
      }}
    >
      <button ref={button} class="framed" aria-expanded={open()} onClick={() => setOpen(!open())}>
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
