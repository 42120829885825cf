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

/** When somebody last did something: milliseconds of the page's clock. */
let lastInput = -Infinity;
for (const type of ["pointerdown", "click", "keydown", "input"])
  document.addEventListener(type, () => (lastInput = performance.now()), { capture: true, passive: true });
/** So long after an input, what it changed may not be on the screen yet; and longer than this nobody waits for a frame, which a hidden page has none of. */
const JUST = 100;

/**
 * When what the last input changed is on the screen; at once where nobody did anything just now. A question is asked after that: a server on the same
 * machine takes the processors that the frame needs.
 */
export function painted(): Promise<void> {
  if (performance.now() - lastInput > JUST) return Promise.resolve();
  return new Promise((resolve) => {
    const longest = window.setTimeout(resolve, JUST);
    // When the next frame begins, the one with the change has gone to the screen; right after its own callbacks it is only on its way.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        window.clearTimeout(longest);
        resolve();
      }),
    );
  });
}
