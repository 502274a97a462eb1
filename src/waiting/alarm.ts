/** A timer that rings at a given time or earlier. */
import { type Clock, LONGEST_TIMER_MS, unref } from "../platform/clock.ts";

/**
 * One timer, for the earliest of several times. It only ever moves to an earlier time: ringing too early does no harm, and
 * costs less than setting the timer anew for each time that turns out to be later. So its callback reads the clock itself.
 */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  readonly #keepsAlive: boolean;
  #timer: unknown;
  #at = Number.POSITIVE_INFINITY;

  /** `keepsAlive`: whether the timer keeps the process alive, on platforms where a timer can. */
  constructor(clock: Clock, callback: () => void, keepsAlive = true) {
    this.#clock = clock;
    this.#keepsAlive = keepsAlive;
    this.#ring = () => {
      this.#timer = undefined;
      this.#at = Number.POSITIVE_INFINITY;
      callback();
    };
  }

  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  /** Makes sure that it rings by `at`, in milliseconds since the epoch; Infinity asks for nothing. */
  ringBy(at: number, now: number): void {
    if (this.#at <= at) return;
    this.clear();
    this.#at = at;
    const ms = Math.min(Math.max(at - now, 0), LONGEST_TIMER_MS);
    this.#timer = this.#clock.setTimeout(this.#ring, ms);
    if (!this.#keepsAlive) unref(this.#timer);
  }

  clear(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
