/** Signs of life, for channels that do not tell when the other side is gone. */
import { systemClock, unref } from "../platform/clock.ts";

/** Whoever wants to be known to live says so this often. */
const SIGN_MS = 5_000;

/** So many signs may be late. */
const MOST_MISSED = 4;

export class SignsOfLife {
  readonly #lost: () => void;
  readonly #sign: (() => void) | undefined;
  #timer: unknown;
  #missed = 0;
  #stopped = false;

  /** `sign` says that this side lives; `lost` is called when nothing was heard for too long. */
  constructor({ lost, sign }: { lost: () => void; sign?: () => void }) {
    this.#lost = lost;
    this.#sign = sign;
  }

  /** Something came from the other side. */
  heard(): void {
    this.#missed = 0;
  }

  /** Whether it matters: while nothing is held or waited for, no timer runs. */
  watch(matters: boolean): void {
    if (matters === (this.#timer !== undefined) || this.#stopped) return;
    if (matters) {
      this.#missed = 0;
      this.#arm();
    } else {
      systemClock.clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  /** There are better signs, or all is over. */
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
      this.#sign?.();
      this.#arm();
    }, SIGN_MS);
    // Not a reason to stay alive.
    unref(this.#timer);
  }
}
