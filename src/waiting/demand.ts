/** The demand of one limit: what its waiters want of it, and the lines that wait for it. */
import { Heap } from "./heap.ts";
import type { Line, Standing } from "./line.ts";
import { Order } from "./order.ts";
import { isBefore } from "./standing.ts";

type LinesByName<W extends Standing<W>> = ReadonlyMap<string, Line<W>>;

export class Demand<W extends Standing<W>> {
  readonly #limit: number;
  /** How many waiters want the limit. */
  count = 0;
  /** What they want, together. */
  total = 0;
  /** How many lines they stand in. */
  lines = 0;
  /** The lines whose heads this limit refuses, or refused last; the line whose head goes first is on top. */
  readonly parked = new Heap<Line<W>>((a, b) => isBefore(a.head!, b.head!));
  /** Whether the line on top has to be judged anew. */
  isStale = false;
  /** The waiters in order, once the sum before some of them is asked for: a single line needs none. */
  #order: Order<W> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** When the line on top could go, in milliseconds since the epoch: Infinity if time does not help. */
  get moment(): number {
    return this.parked.first?.moment ?? Number.POSITIVE_INFINITY;
  }

  add(waiter: W): void {
    this.count++;
    this.total += waiter.demand[this.#limit]!;
    this.#order?.add(waiter);
  }

  /** `rest` has the lines of all others. */
  remove(waiter: W, rest: LinesByName<W>): void {
    this.count--;
    // Beyond that the sum is rounded: what is left of it would not be the sum of the others.
    if (this.total > Number.MAX_SAFE_INTEGER && this.#order === undefined) this.#order = this.#ordered(rest);
    else this.#order?.remove(waiter);
    if (this.count === 0) {
      this.total = 0;
      this.#order = undefined;
    } else if (this.total > Number.MAX_SAFE_INTEGER) {
      this.total = this.#order!.sum;
    } else {
      this.total -= waiter.demand[this.#limit]!;
    }
  }

  /** The waiters in order. */
  inOrder(all: LinesByName<W>): Order<W> {
    this.#order ??= this.#ordered(all);
    return this.#order;
  }

  #ordered(all: LinesByName<W>): Order<W> {
    const waiters: W[] = [];
    for (const line of all.values()) {
      if (!line.limits.includes(this.#limit)) continue;
      // One by one: the arguments of a call are bounded, and a line is not.
      for (const waiter of line.waiters) waiters.push(waiter);
    }
    waiters.sort((a, b) => (isBefore(a, b) ? -1 : 1));
    const order = new Order<W>(this.#limit);
    for (const waiter of waiters) order.add(waiter);
    return order;
  }
}
