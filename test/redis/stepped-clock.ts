import { ManualClock } from "../../src/testing/index.ts";

/** A manual clock that knows when its next timer is due. */
export class SteppedClock extends ManualClock {
  readonly #due = new Map<unknown, number>();

  get nextTimer(): number {
    return Math.min(...this.#due.values());
  }

  override setTimeout(callback: () => void, ms: number): unknown {
    const timer = super.setTimeout(() => {
      this.#due.delete(timer);
      callback();
    }, ms);
    this.#due.set(timer, this.now() + Math.max(0, ms));
    return timer;
  }

  override clearTimeout(timer: unknown): void {
    this.#due.delete(timer);
    super.clearTimeout(timer);
  }
}
