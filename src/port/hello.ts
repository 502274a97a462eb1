/** How a peer begins a session: it says `HELLO` until the host has answered. */
import { LONGEST_TIMER_MS, systemClock, unref } from "../platform/clock.ts";

// A host whose greetings earlier connections have not read answers only after a pause.
const FIRST_PAUSE_MS = 1_000;

export class Hello {
  readonly #say: () => void;
  #timer: unknown;

  /** `say` is called at once, and again after pauses that double, until `stop`. */
  constructor(say: () => void) {
    this.#say = say;
    this.#repeat(FIRST_PAUSE_MS);
  }

  stop(): void {
    systemClock.clearTimeout(this.#timer);
  }

  #repeat(pauseMs: number): void {
    this.#say();
    this.#timer = systemClock.setTimeout(
      () => this.#repeat(Math.min(2 * pauseMs, LONGEST_TIMER_MS)),
      pauseMs,
    );
    // The timer alone must not keep the process alive.
    unref(this.#timer);
  }
}
