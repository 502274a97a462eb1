/** Pauses after refusals that say no time: a second, and twice as long each time until a later request is not refused. */

const PAUSE_MS = 1000;
const LONGEST_MS = 60_000;

export class Guesses {
  #count = 0;
  /** When the present pause ends. */
  #until = Number.NEGATIVE_INFINITY;

  /**
   * The pause after a refusal at `now` of a request that was sent at `sentAt`, in milliseconds; undefined if it is over. Requests that
   * were on their way when it began are refused for the same reason.
   */
  pauseMs(sentAt: number, now: number): number | undefined {
    if (sentAt >= this.#until) {
      this.#until = now + Math.min(LONGEST_MS, PAUSE_MS * 2 ** this.#count++);
    }
    return this.#until > now ? this.#until - now : undefined;
  }

  /** A request that was sent at `sentAt` was not refused. */
  passed(sentAt: number): void {
    if (sentAt >= this.#until) this.#count = 0;
  }
}
