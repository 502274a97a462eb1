/** Heartbeats, for channels that do not tell when the other side is gone: a side that stays silent for too long counts as gone. */
import { systemClock, unref } from "../platform/clock.ts";

const INTERVAL_MS = 5_000;

/** So many heartbeats may be missing. */
const MOST_MISSED = 4;

/** How long the other side may be silent. */
export const SILENCE_MS = INTERVAL_MS * (MOST_MISSED + 1);

export class Heartbeat {
  readonly #lost: () => void;
  readonly #beat: (() => void) | undefined;
  #timer: unknown;
  #missed = 0;
  #stopped = false;

  /**
   * `beat` sends a heartbeat; a side that only answers those of the other has none. `lost` is called when the other side was
   * silent for `SILENCE_MS`.
   */
  constructor({ lost, beat }: { lost: () => void; beat?: () => void }) {
    this.#lost = lost;
    this.#beat = beat;
  }

  /** Whether a heartbeat was sent, and nothing was heard since. */
  get isAwaiting(): boolean {
    return this.#missed > 0 && this.#timer !== undefined;
  }

  /** Any message from the other side counts as a heartbeat. */
  heard(): void {
    this.#missed = 0;
  }

  /** Starts or stops the timer. It is not needed while nothing is held or waited for. */
  watch(isNeeded: boolean): void {
    if (isNeeded === (this.#timer !== undefined) || this.#stopped) return;
    if (isNeeded) {
      this.#missed = 0;
      this.#arm();
    } else {
      systemClock.clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  /** Stops for good: the connection has ended, or a lock shows the other side's end. */
  stop(): void {
    this.watch(false);
    this.#stopped = true;
  }

  #arm(): void {
    this.#timer = systemClock.setTimeout(() => {
      this.#timer = undefined;
      if (this.#missed++ === MOST_MISSED) {
        this.#lost();
        return;
      }
      this.#beat?.();
      this.#arm();
    }, INTERVAL_MS);
    // The timer alone must not keep the process alive.
    unref(this.#timer);
  }
}
