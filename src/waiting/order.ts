/**
 * The waiters of one limit in order, with the sums of what they want. The list is cut into pieces: so a waiter comes or leaves, and
 * the sum before it is found, by a look at one piece and at the sums of the others.
 */
import { isBefore, type Ranked } from "./standing.ts";

/** A waiter with its demand, one entry a limit. */
export interface Demanding extends Ranked {
  readonly demand: readonly number[];
}

interface Piece<W> {
  readonly waiters: W[];
  sum: number;
}

/** How many waiters stand before another, and what they want. */
export interface Before {
  count: number;
  demand: number;
}

// Those that are asked about stand near the front: there a look at one piece has to be short.
const MOST_IN_PIECE = 64;

export class Order<W extends Demanding> {
  readonly #limit: number;
  readonly #pieces: Piece<W>[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What all of them want. */
  get sum(): number {
    let sum = 0;
    for (const piece of this.#pieces) sum += piece.sum;
    return sum;
  }

  add(waiter: W): void {
    const pieces = this.#pieces;
    const at = Math.max(this.#pieceOf(waiter), 0);
    const piece = pieces[at];
    if (piece === undefined) {
      pieces.push({ waiters: [waiter], sum: this.#demandOf(waiter) });
      return;
    }
    const { waiters } = piece;
    if (waiters.length < MOST_IN_PIECE) {
      waiters.splice(indexIn(waiters, waiter), 0, waiter);
      piece.sum += this.#demandOf(waiter);
      return;
    }
    // Most waiters come behind all others: then the full piece stays whole.
    const isLast = at === pieces.length - 1 && isBefore(waiters.at(-1)!, waiter);
    const rest = isLast ? [waiter] : waiters.splice(MOST_IN_PIECE / 2);
    piece.sum = this.#sumOf(waiters);
    pieces.splice(at + 1, 0, { waiters: rest, sum: this.#sumOf(rest) });
    if (!isLast) this.add(waiter);
  }

  remove(waiter: W): void {
    const at = this.#pieceOf(waiter);
    const piece = this.#pieces[at]!;
    const { waiters } = piece;
    waiters.splice(indexIn(waiters, waiter), 1);
    if (waiters.length === 0) this.#pieces.splice(at, 1);
    // Beyond that the sum is rounded: what is left of it would not be the sum of the others.
    else if (piece.sum > Number.MAX_SAFE_INTEGER) piece.sum = this.#sumOf(waiters);
    else piece.sum -= this.#demandOf(waiter);
  }

  /** How many go before `ranked`, and what they want. */
  before(ranked: Ranked): Before {
    const at = this.#pieceOf(ranked);
    const before: Before = { count: 0, demand: 0 };
    for (let i = 0; i < at; i++) {
      before.count += this.#pieces[i]!.waiters.length;
      before.demand += this.#pieces[i]!.sum;
    }
    if (at < 0) return before;
    const { waiters } = this.#pieces[at]!;
    const end = indexIn(waiters, ranked);
    for (let i = 0; i < end; i++) before.demand += this.#demandOf(waiters[i]!);
    before.count += end;
    return before;
  }

  /** What each of those wants that go before `ranked`, in order. */
  *demandsBefore(ranked: Ranked): Generator<number> {
    for (const { waiters } of this.#pieces) {
      for (const waiter of waiters) {
        if (!isBefore(waiter, ranked)) return;
        yield this.#demandOf(waiter);
      }
    }
  }

  /** The last piece that does not begin behind `ranked`; -1 if there is none. */
  #pieceOf(ranked: Ranked): number {
    const pieces = this.#pieces;
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(ranked, pieces[middle]!.waiters[0]!)) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }

  #demandOf(waiter: W): number {
    return waiter.demand[this.#limit]!;
  }

  #sumOf(waiters: readonly W[]): number {
    let sum = 0;
    for (const waiter of waiters) sum += this.#demandOf(waiter);
    return sum;
  }
}

/** The index of the first waiter that does not go before `ranked`. */
function indexIn(waiters: readonly Ranked[], ranked: Ranked): number {
  // Most come behind all others, or leave from the front.
  const last = waiters.at(-1);
  if (last === undefined || isBefore(last, ranked)) return waiters.length;
  if (!isBefore(waiters[0]!, ranked)) return 0;
  let low = 1;
  let high = waiters.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(waiters[middle]!, ranked)) low = middle + 1;
    else high = middle;
  }
  return low;
}
