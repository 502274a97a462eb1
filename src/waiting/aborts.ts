/**
 * Waiting for signals. A signal gets one listener, however many waiters, sets and connections wait for it: callers often pass the
 * same signal to everything they do, and platforms warn of signals with many listeners.
 */
import { reasonOf } from "../platform/aborted.ts";

/** The callbacks of the signals that are waited for, each with the function that ends its listening. */
const heard = new WeakMap<AbortSignal, { readonly callbacks: Set<() => void>; stop(): void }>();

/** Calls back when the signal aborts, unless the function that it returns is called before. */
export function whenAborted(signal: AbortSignal, callback: () => void): () => void {
  const known = heard.get(signal) ?? hear(signal);
  const { callbacks } = known;
  callbacks.add(callback);
  return () => {
    if (callbacks.delete(callback) && callbacks.size === 0) known.stop();
  };
}

function hear(signal: AbortSignal) {
  const callbacks = new Set<() => void>();
  const stop = () => {
    heard.delete(signal);
    signal.removeEventListener("abort", aborted);
  };
  const aborted = () => {
    stop();
    for (const callback of [...callbacks]) if (callbacks.delete(callback)) callback();
  };
  const known = { callbacks, stop };
  heard.set(signal, known);
  signal.addEventListener("abort", aborted);
  return known;
}

/** Waiters by the signal that ends their wait. */
export class Aborts<T> {
  readonly #abort: (entries: readonly T[], reason: unknown) => void;
  readonly #signals = new Map<AbortSignal, { readonly entries: Set<T>; readonly stop: () => void }>();

  /** `abort` is called once for a signal that aborts, with its entries in the order they came. */
  constructor(abort: (entries: readonly T[], reason: unknown) => void) {
    this.#abort = abort;
  }

  add(signal: AbortSignal, entry: T): void {
    const known = this.#signals.get(signal);
    if (known) {
      known.entries.add(entry);
      return;
    }
    const entries = new Set([entry]);
    const stop = whenAborted(signal, () => {
      this.#signals.delete(signal);
      this.#abort([...entries], reasonOf(signal));
    });
    this.#signals.set(signal, { entries, stop });
  }

  remove(signal: AbortSignal, entry: T): void {
    const known = this.#signals.get(signal);
    if (!known?.entries.delete(entry) || known.entries.size > 0) return;
    this.#signals.delete(signal);
    known.stop();
  }
}
