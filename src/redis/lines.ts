/**
 * The order of waiting of one process in front of a server, whose answers come later than the questions.
 *
 * First come, first served among requests that share a limit: a waiter is passed only by requests that share no limit
 * with it, nor with any waiter that it would have to wait behind. So that a hundred thousand waiters cost as much each
 * as ten, they are kept in lines: one line for each combination of limits that is being waited for. A line that cannot
 * move is skipped as a whole.
 *
 * A nested request (one through an acquisition) does not wait behind a request that waits for a resource: the acquisition
 * may hold that very resource. Behind requests that only wait for time to pass, it waits like any other.
 */

import { Heap } from "../waiting/heap.ts";
import { inOrder, type Order } from "../waiting/order.ts";
import { limitsOf, type Ranked, type Request } from "../waiting/standing.ts";
import { AWAITS_RELEASE, FREE, type Line, newLine, type Standing, type Stop, UNKNOWN } from "./line.ts";

export class Lines<W extends Standing<W>> {
  readonly #byName = new Map<string, Line<W>>();
  /** The lines that the present walk may still come to, by the turn of their next waiter. */
  #ahead: Heap<Line<W>> | undefined;
  /** The lines whose stop is known. */
  readonly #stopped = new Set<Line<W>>();
  /** How many waiters want each limit. */
  readonly #waiting: number[];
  /** All waiters in order, once it was asked how many of them stand before another. */
  #order: Order<W> | undefined;
  /** For each limit, why the present walk passes it no more. */
  readonly #stops: Stop[];
  /** How many waiters stand in all lines. A plain field: each take looks at it. */
  size = 0;

  constructor(limits: number) {
    this.#waiting = new Array(limits).fill(0);
    this.#stops = new Array(limits).fill(FREE);
  }

  /** How many waiters want limit `index`. */
  waitingFor(index: number): number {
    return this.#waiting[index]!;
  }

  /** How many waiters that want limit `index` stand before `ranked`. */
  countBefore(index: number, ranked: Ranked): number {
    if (this.#waiting[index] === 0) return 0;
    this.#order ??= this.#inOrder();
    return this.#order.countBefore(index, ranked);
  }

  /** The lines there are now; they may end meanwhile. */
  [Symbol.iterator](): Iterator<Line<W>> {
    return [...this.#byName.values()].values();
  }

  /** Puts a waiter into its line, behind all that came before it. A walk that has begun does not visit it. */
  stand(waiter: W): Line<W> {
    const line = this.#lineFor(waiter.request);
    let before = line.tail;
    while (before && before.turn > waiter.turn) before = before.previous;
    const after = before ? before.next : line.head;
    waiter.line = line;
    waiter.previous = before;
    waiter.next = after;
    if (before) before.next = waiter;
    else line.head = waiter;
    if (after) after.previous = waiter;
    else line.tail = waiter;
    this.size++;
    this.#order?.add(waiter);
    for (const index of line.limits) this.#waiting[index]!++;
    return line;
  }

  /** Takes a waiter out of its line, if it stands in one. */
  leave(waiter: W): void {
    const { line, previous, next } = waiter;
    if (!line) return;
    waiter.line = undefined;
    if (previous) previous.next = next;
    else line.head = next;
    if (next) next.previous = previous;
    else line.tail = previous;
    if (line.cursor === waiter) this.#moveCursor(line, next);
    if (!line.head) this.#remove(line);
    this.#order?.remove(waiter);
    if (--this.size === 0) this.#order = undefined;
    for (const index of line.limits) this.#waiting[index]!--;
  }

  /** Stops a line, for a reason that came from elsewhere. */
  stop(line: Line<W>, stop: Stop): void {
    line.stop = stop;
    this.#stopped.add(line);
  }

  /** Lets every line move again. */
  reopen(): void {
    for (const line of this.#stopped) line.stop = FREE;
    this.#stopped.clear();
  }

  /** Begins a walk. Lines that are known to be stopped stay so. */
  restart(): void {
    this.#stops.fill(FREE);
    const ahead = heapOfLines<W>();
    this.#ahead = ahead;
    for (const line of this.#byName.values()) {
      line.passed = 0;
      line.place = -1;
      line.cursor = line.head;
      ahead.add(line);
    }
  }

  /**
   * Goes on with the present walk: through the waiters in order of turn across all lines, up to those whose turn is not
   * before `beforeTurn`. `visit` answers FREE if the next waiter of the line may be visited too, whether or not this one
   * has left; else why the line stops. A stopped line also stops the lines behind it that share a limit.
   */
  walk(visit: (waiter: W) => Stop, beforeTurn = Number.POSITIVE_INFINITY): void {
    const ahead = this.#ahead;
    for (let line = ahead?.first; line && line.cursor!.turn < beforeTurn; line = ahead?.first) {
      const waiter = line.cursor!;
      const stop = this.#stopBefore(line) || visit(waiter);
      if (stop === FREE) {
        line.passed++;
        if (line.cursor === waiter) this.#moveCursor(line, waiter.next);
      } else {
        this.#moveCursor(line, undefined);
        this.#stopLine(line, stop);
      }
    }
  }

  /** The stop for a request whose turn is now: behind all waiters that the present walk has come to. */
  stopOf({ units, covered }: Request): Stop {
    return this.#stopAt(limitsOf(units), covered !== undefined);
  }

  #inOrder(): Order<W> {
    const waiters: W[] = [];
    for (const line of this.#byName.values()) {
      for (let waiter = line.head; waiter; waiter = waiter.next) waiters.push(waiter);
    }
    return inOrder(waiters, this.#waiting.length);
  }

  #remove(line: Line<W>): void {
    this.#byName.delete(line.name);
    this.#stopped.delete(line);
  }

  #moveCursor(line: Line<W>, to: W | undefined): void {
    line.cursor = to;
    if (to) this.#ahead?.moved(line);
    else this.#ahead?.remove(line);
  }

  /** The stop for the next waiter of a line, before it is visited. */
  #stopBefore(line: Line<W>): Stop {
    const stop = highest(line.stop, this.#stopAt(line.limits, line.isNested));
    return stop === FREE && line.passed >= line.quota ? UNKNOWN : stop;
  }

  #stopAt(limits: readonly number[], isNested: boolean): Stop {
    let stop: Stop = FREE;
    for (const index of limits) stop = highest(stop, this.#stops[index]!);
    return isNested && stop === AWAITS_RELEASE ? FREE : stop;
  }

  #stopLine(line: Line<W>, stop: Stop): void {
    if (line.stop === FREE && stop !== UNKNOWN) {
      line.stop = stop;
      this.#stopped.add(line);
    }
    for (const index of line.limits) this.#stops[index] = highest(this.#stops[index]!, stop);
  }

  #lineFor({ units, covered }: Request): Line<W> {
    const limits = limitsOf(units);
    const isNested = covered !== undefined;
    const name = `${isNested ? "nested " : ""}${limits}`;
    let line = this.#byName.get(name);
    if (!line) {
      line = newLine(name, limits, isNested);
      this.#byName.set(name, line);
    }
    return line;
  }
}

function heapOfLines<W extends Standing<W>>(): Heap<Line<W>> {
  return new Heap((a, b) => a.cursor!.turn < b.cursor!.turn);
}

function highest(a: Stop, b: Stop): Stop {
  return a > b ? a : b;
}
