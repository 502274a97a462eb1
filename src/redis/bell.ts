/** The one timer of a queue: it rings when a grant is possible, when waiters have to ask again, and when a timeout passes. */
import type { Clock } from "../platform/clock.ts";
import { Alarm } from "../waiting/alarm.ts";

export class Bell {
  /** When to ask again even if no release was heard of. */
  #serveAt = Number.POSITIVE_INFINITY;
  readonly #clock: Clock;
  readonly #alarm: Alarm;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, ring);
  }

  /** Waiters have to ask again by that moment. An earlier one stays: batches that follow each other closely would put it off for ever. */
  serveBy(moment: number): void {
    this.#serveAt = Math.min(this.#serveAt, moment);
  }

  /** Whether waiters have to ask again by now. That is answered once. */
  serves(now: number): boolean {
    if (this.#serveAt > now) return false;
    this.#serveAt = Number.POSITIVE_INFINITY;
    return true;
  }

  /** Sets the timer anew, to `moment` at the latest. */
  arm(hasWaiters: boolean, moment: number): void {
    const at = hasWaiters ? Math.min(this.#serveAt, moment) : moment;
    if (!hasWaiters && at === Number.POSITIVE_INFINITY) this.#alarm.clear();
    else this.#alarm.ringBy(at, this.#clock.now());
  }
}
