/** How waiters leave a queue without a grant: by their timeout or by their signal. */
import { Aborts } from "./aborts.ts";
import { Deadlines, type Due } from "./deadlines.ts";

/** A waiter with the reasons for which it may leave. */
export interface Departing extends Due {
  readonly signal: AbortSignal | undefined;
}

export class Departures<W extends Departing> {
  readonly #deadlines = new Deadlines<W>();
  readonly #aborts: Aborts<W>;

  /** `aborted` is called once for each signal that aborts, with its waiters in the order in which they came. */
  constructor(aborted: (waiters: readonly W[], reason: unknown) => void) {
    this.#aborts = new Aborts(aborted);
  }

  /** The earliest deadline, in milliseconds since the epoch; Infinity if there is none. */
  get firstDeadline(): number {
    return this.#deadlines.first?.deadline ?? Number.POSITIVE_INFINITY;
  }

  add(waiter: W): void {
    if (waiter.deadline !== Number.POSITIVE_INFINITY) this.#deadlines.add(waiter);
    if (waiter.signal) this.#aborts.add(waiter.signal, waiter);
  }

  remove(waiter: W): void {
    this.#deadlines.remove(waiter);
    if (waiter.signal) this.#aborts.remove(waiter.signal, waiter);
  }

  /**
   * A waiter whose deadline has come, earliest first; its deadline is told once. Its signal still counts. With `isPast`, only one
   * whose deadline was before `now`: it must not be granted any more.
   */
  takeLate(now: number, isPast = false): W | undefined {
    const first = this.#deadlines.first;
    if (!first || (isPast ? first.deadline >= now : first.deadline > now)) return undefined;
    this.#deadlines.remove(first);
    return first;
  }
}
