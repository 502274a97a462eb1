/** The one timer of a queue: it rings when a grant is possible, when waiters have to ask again, and when a timeout passes. */
import type { Clock } from "../platform/clock.ts";
import { Alarm } from "../waiting/alarm.ts";

export class Bell {
  /** When a grant is possible next, as far as is known. */
  passesAt = Number.POSITIVE_INFINITY;
  /** When to ask again even if no release was heard of. */
  serveAt = Number.POSITIVE_INFINITY;
  readonly #clock: Clock;
  readonly #alarm: Alarm;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, ring);
  }

  /** Sets the timer anew. Without waiters in line only a timeout counts, of a request that is on its way. */
  arm(hasWaiters: boolean, firstDeadline: number): void {
    const at = hasWaiters ? Math.min(this.passesAt, this.serveAt, firstDeadline) : firstDeadline;
    if (!hasWaiters && at === Number.POSITIVE_INFINITY) this.#alarm.clear();
    else this.#alarm.ringBy(at, this.#clock.now());
  }
}
