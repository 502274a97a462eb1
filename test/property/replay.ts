import { max } from "./model.ts";

interface Event {
  readonly time: bigint;
  readonly id: number;
  amount: bigint;
}

/**
 * The history as it would have been: all of a limit's history is kept, unused parts are struck out of it, and the debt is
 * worked out from the beginning. Times are microseconds, and `capacity` units leak out in a window.
 */
export class Replay {
  readonly #capacity: bigint;
  readonly #windowUs: bigint;
  readonly #events: Event[] = [];

  constructor(capacity: bigint, windowUs: bigint) {
    this.#capacity = capacity;
    this.#windowUs = windowUs;
  }

  add(time: bigint, amount: bigint, id: number): void {
    this.#events.push({ time, id, amount });
  }

  strike(amount: bigint, id: number): void {
    for (const event of this.#events) if (event.id === id) event.amount -= amount;
  }

  /** Debt in units x microseconds. */
  debtAt(now: bigint): bigint {
    let debt = 0n;
    let time = 0n;
    for (const event of this.#events) {
      debt = max(0n, debt - (event.time - time) * this.#capacity) + event.amount * this.#windowUs;
      time = event.time;
    }
    return max(0n, debt - (now - time) * this.#capacity);
  }
}
