/** What takes long to draw comes after what answers the hand. */
import { createEffect, createSignal, on, onCleanup, untrack, type Accessor } from "solid-js";

/**
 * The same value, a frame later: what changed at once (a button that is pressed, a panel that closes) is on the screen before work begins that depends
 * on this. Of several changes in between only the last one is told.
 */
export function afterPaint<T>(source: Accessor<T>): Accessor<T> {
  const [value, setValue] = createSignal(untrack(source));
  let [frame, timer] = [0, 0];
  const end = () => {
    cancelAnimationFrame(frame);
    window.clearTimeout(timer);
  };
  createEffect(
    on(
      source,
      (next) => {
        end();
        // A frame's callbacks run before it is painted, a timer that they set after it.
        frame = requestAnimationFrame(() => {
          timer = window.setTimeout(() => setValue(() => next));
        });
      },
      { defer: true },
    ),
  );
  onCleanup(end);
  return value;
}
