/** Rows that the keyboard goes through: j, k and Enter. */
import { createSignal, onCleanup, onMount, type Accessor } from "solid-js";
import { isWriting } from "./Frame";

export function rowKeys(count: () => number, open: (at: number) => void): Accessor<number> {
  const [cursor, setCursor] = createSignal(-1);
  const onKey = (event: KeyboardEvent) => {
    if (event.metaKey || event.ctrlKey || event.altKey || isWriting(event)) return;
    if (document.querySelector("[role=dialog]")) return;
    if (event.key === "j" || event.key === "k") {
      setCursor((at) => Math.max(0, Math.min(count() - 1, at + (event.key === "j" ? 1 : -1))));
    } else if (event.key === "Enter" && cursor() >= 0 && !(event.target as Element).closest("a, button"))
      open(cursor());
  };
  onMount(() => document.addEventListener("keydown", onKey));
  onCleanup(() => document.removeEventListener("keydown", onKey));
  return cursor;
}
