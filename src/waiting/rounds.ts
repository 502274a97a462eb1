/**
 * Rounds, by which partitions are served in turn: each waiter of a partition is of a later round than the one before it (after Goyal, Vin
 * and Cheng, "Start-time fair queueing", SIGCOMM 1996, where all requests count alike).
 */

// Priorities come before rounds.
const PRIORITY = 2 ** 32;

export class Rounds {
  /** The round of the waiter that was granted last. */
  #present = 0;
  /** The last round of each partition that has one from the present on. */
  readonly #last = new Map<string, number>();

  /** The key of a request of a partition that has just come. */
  keyOf(partition: string, priority: number): number {
    return Math.max(this.#present, (this.#last.get(partition) ?? -1) + 1) - priority * PRIORITY;
  }

  /** A request has its place among the waiters. `waiters` is how many there are. */
  begin(partition: string, key: number, priority: number, waiters: number): void {
    this.#last.set(partition, key + priority * PRIORITY);
    if (this.#last.size <= 2 * waiters + 64) return;
    for (const [name, round] of this.#last) if (round < this.#present) this.#last.delete(name);
  }

  /** It was granted. */
  granted(key: number, priority: number): void {
    this.#present = Math.max(this.#present, key + priority * PRIORITY);
  }

  /** It leaves without a grant. */
  gone(partition: string, key: number, priority: number): void {
    const round = key + priority * PRIORITY;
    if (this.#last.get(partition) !== round) return;
    if (round > this.#present) this.#last.set(partition, round - 1);
    else this.#last.delete(partition);
  }

  /** No request waits any more. */
  clear(): void {
    this.#present = 0;
    this.#last.clear();
  }
}
