/**
 * Waiters by the signal that ends their wait. A signal gets one listener, however many waiters it has: callers often
 * pass the same signal to everything they do, and platforms warn of signals with many listeners.
 */
export class Aborts<T> {
  readonly #abort: (entries: readonly T[], reason: unknown) => void;
  readonly #entries = new Map<AbortSignal, Set<T>>();
  readonly #listener = (event: Event) => this.#aborted(event.target as AbortSignal);

  /** `abort` is called once for a signal that aborts, with its entries in the order they came. */
  constructor(abort: (entries: readonly T[], reason: unknown) => void) {
    this.#abort = abort;
  }

  add(signal: AbortSignal, entry: T): void {
    const entries = this.#entries.get(signal);
    if (entries) {
      entries.add(entry);
      return;
    }
    this.#entries.set(signal, new Set([entry]));
    signal.addEventListener("abort", this.#listener);
  }

  remove(signal: AbortSignal, entry: T): void {
    const entries = this.#entries.get(signal);
    if (entries?.delete(entry) && entries.size === 0) this.#forget(signal);
  }

  #aborted(signal: AbortSignal): void {
    const entries = [...(this.#entries.get(signal) ?? [])];
    this.#forget(signal);
    this.#abort(entries, signal.reason);
  }

  #forget(signal: AbortSignal): void {
    this.#entries.delete(signal);
    signal.removeEventListener("abort", this.#listener);
  }
}
