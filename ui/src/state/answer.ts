/** Answers of the server as signals: old ones stay until new ones are there, and nobody waits for what nobody wants any more. */
import { createEffect, createSignal, onCleanup, untrack, type Accessor } from "solid-js";
import { get, Failure, type Answer, type Ask, type Readable } from "../api/client";
import { painted } from "./afterPaint";
import { looked, param } from "./url";
import { chosenRefresh, isRelative, usualRefresh } from "../lib/time";

/** How often what is shown is asked for again, in seconds; 0 is never. */
export function every(): number {
  const given = param("every");
  if (given === "off" || !isRelative(looked())) return 0;
  return chosenRefresh(given) || usualRefresh(looked(), Date.now());
}

/** The last time when everything was asked for again: by somebody, or by the clock. */
const [turn, setTurn] = createSignal({ byClock: false }, { equals: false });
/** Asks for everything again. */
export function refresh(): void {
  setTurn({ byClock: false });
}

/** Asks for everything again, as often as the URL says, while somebody looks. */
export function keepFresh(): void {
  createEffect(() => {
    const seconds = every();
    if (!seconds) return;
    const timer = window.setInterval(() => {
      if (document.visibilityState === "visible") setTurn({ byClock: true });
    }, seconds * 1000);
    onCleanup(() => window.clearInterval(timer));
  });
}

/** A server that was not reached, or had no room, is asked again after this time: milliseconds. */
const RETRY = 10_000;

/** How many answers are being waited for. */
const [waiting, setWaiting] = createSignal(0);
export { waiting };

export interface Answered<T> {
  (): T | undefined;
  /** Why the last question had no answer. */
  error: Accessor<Failure | undefined>;
  /** What is shown is not what was asked for last. */
  stale: Accessor<boolean>;
  /** Asks again. */
  again(): void;
}

interface Options {
  /** Asked once, not with every refresh. */
  readonly once?: boolean;
  /** While this is so, the clock does not ask again: somebody reads what would go. */
  readonly held?: () => boolean;
  /** The part of the question whose change makes the old answer worthless. */
  readonly about?: () => string;
}

/** The answer to a question that may change, or be none. */
export function answer<P extends Readable>(ask: () => Ask<P> | undefined, options: Options = {}): Answered<Answer<P>> {
  const [value, setValue] = createSignal<Answer<P>>();
  const [error, setError] = createSignal<Failure>();
  const [stale, setStale] = createSignal(false);
  const [own, setOwn] = createSignal(0);
  let running: { controller: AbortController; key: string } | undefined;
  let about = "";
  let answered = "";
  /** A question that the server calls wrong, or too large: the clock alone does not ask it again. */
  let refused = "";
  let seen = untrack(turn);
  let pressed = 0;

  let retry = 0;
  const end = () => {
    window.clearTimeout(retry);
    if (!running) return;
    running.controller.abort();
    running = undefined;
    setWaiting((count) => count - 1);
  };
  onCleanup(end);

  createEffect(() => {
    const question = ask();
    // The clock is why only where its turn is another one: another question may come after it.
    const now = options.once ? seen : turn();
    const byClock = now !== seen && now.byClock;
    seen = now;
    const again = own() !== pressed;
    pressed = own();
    const key = question ? JSON.stringify(question) : "";
    untrack(() => {
      const subject = options.about?.() ?? "";
      if (subject !== about) {
        about = subject;
        setValue(undefined);
      }
      if (!question) {
        end();
        setValue(undefined);
        setError(undefined);
        setStale(false);
        return;
      }
      // A refresh does not end the same question that is still being answered.
      if (running?.key === key) return;
      if (byClock && !again && (key === refused || options.held?.())) return;
      end();
      setStale(key !== answered && value() !== undefined);
      const mine = { controller: new AbortController(), key };
      running = mine;
      setWaiting((count) => count + 1);
      const asked = painted().then(() => get(question, mine.controller.signal));
      asked.then(
        (got) => {
          if (running !== mine) return;
          running = undefined;
          setWaiting((count) => count - 1);
          // It began before what is held was there.
          if (byClock && !again && options.held?.()) return;
          answered = key;
          refused = "";
          setValue(() => got);
          setError(undefined);
          setStale(false);
        },
        (why: unknown) => {
          if (running !== mine) return;
          running = undefined;
          setWaiting((count) => count - 1);
          refused = why instanceof Failure && why.status === 400 ? key : "";
          // Who was not there may be back soon, however seldom a long time is asked for again.
          const away = why instanceof Failure && (why.status === 0 || why.status === 503);
          if (away) retry = window.setTimeout(() => setOwn((count) => count + 1), RETRY);
          setError(why instanceof Failure ? why : new Failure(0, "", String(why)));
          setStale(value() !== undefined);
        },
      );
    });
  });

  return Object.assign(() => value(), {
    error,
    stale,
    again: () => setOwn((count) => count + 1),
  });
}

/** The range of time, as questions have it. */
export function during(): { from: string; to: string } {
  return { ...looked() };
}
