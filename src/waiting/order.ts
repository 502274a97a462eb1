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

// Those that are asked about stand near the front: there a look at one piece has to be short.
const MOST_IN_PIECE = 64;
/** So many pieces have one sum together. */
const ON_SHELF = 32;

export class Order<W extends Demanding> {
  readonly #limit: number;
  readonly #pieces: Piece<W>[] = [];
  /** The sums of each ON_SHELF pieces; undefined where pieces have come or gone since. */
  #shelves: number[] | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get first(): W | undefined {
    return this.#pieces[0]?.waiters[0];
  }

  *[Symbol.iterator](): Generator<W> {
    for (const { waiters } of this.#pieces) yield* waiters;
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
    if (piece !== undefined && piece.waiters.length < MOST_IN_PIECE) {
      insert(piece.waiters, indexIn(piece.waiters, waiter), waiter);
      this.#setSum(at, piece.sum + this.#demandOf(waiter));
      return;
    }
    this.#shelves = undefined;
    const last = pieces.at(-1);
    // Most waiters come behind all others: then the full piece stays whole.
    if (last === undefined || (piece === last && isBefore(last.waiters.at(-1)!, waiter))) {
      pieces.push({ waiters: [waiter], sum: this.#demandOf(waiter) });
      return;
    }
    const rest = piece!.waiters.splice(MOST_IN_PIECE / 2);
    piece!.sum = this.#sumOf(piece!.waiters);
    pieces.splice(at + 1, 0, { waiters: rest, sum: this.#sumOf(rest) });
    this.add(waiter);
  }

  remove(waiter: W): void {
    const at = this.#pieceOf(waiter);
    const { waiters, sum } = this.#pieces[at]!;
    take(waiters, indexIn(waiters, waiter));
    if (waiters.length === 0) {
      this.#pieces.splice(at, 1);
      this.#shelves = undefined;
    } else {
      const isRounded = sum > Number.MAX_SAFE_INTEGER;
      this.#setSum(at, isRounded ? this.#sumOf(waiters) : sum - this.#demandOf(waiter));
    }
  }

  /** What those want that go before `ranked`. */
  demandBefore(ranked: Ranked): number {
    const at = this.#pieceOf(ranked);
    if (at < 0) return 0;
    let demand = 0;
    const shelves = this.#shelvesNow();
    const shelf = Math.floor(at / ON_SHELF);
    for (let i = 0; i < shelf; i++) demand += shelves[i]!;
    for (let i = shelf * ON_SHELF; i < at; i++) demand += this.#pieces[i]!.sum;
    const { waiters } = this.#pieces[at]!;
    const end = indexIn(waiters, ranked);
    for (let i = 0; i < end; i++) demand += this.#demandOf(waiters[i]!);
    return demand;
  }

  /** How many go before `ranked`. */
  countBefore(ranked: Ranked): number {
    const at = this.#pieceOf(ranked);
    if (at < 0) return 0;
    let count = indexIn(this.#pieces[at]!.waiters, ranked);
    for (let i = 0; i < at; i++) count += this.#pieces[i]!.waiters.length;
    return count;
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

  #shelvesNow(): readonly number[] {
    if (this.#shelves) return this.#shelves;
    const shelves: number[] = [];
    this.#pieces.forEach(({ sum }, i) => {
      const shelf = Math.floor(i / ON_SHELF);
      shelves[shelf] = (shelves[shelf] ?? 0) + sum;
    });
    this.#shelves = shelves;
    return shelves;
  }

  /** Sets the sum of a piece. */
  #setSum(at: number, sum: number): void {
    const piece = this.#pieces[at]!;
    const shelf = Math.floor(at / ON_SHELF);
    // Beyond that the sum is rounded: what is left of it would not be the sum of the others.
    if (this.#shelves && this.#shelves[shelf]! > Number.MAX_SAFE_INTEGER) this.#shelves = undefined;
    if (this.#shelves) this.#shelves[shelf]! += sum - piece.sum;
    piece.sum = sum;
  }

  /** The last piece that does not begin behind `ranked`; -1 if there is none. */
  #pieceOf(ranked: Ranked): number {
    const pieces = this.#pieces;
    let low = 0;
    let high = pieces.length;
    // Most come behind all others, or leave from the front.
    if (high > 0 && !isBefore(ranked, pieces[high - 1]!.waiters[0]!)) return high - 1;
    if (high > 1 && isBefore(ranked, pieces[1]!.waiters[0]!)) high = 1;
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

// Most waiters come at the end and leave from the front: there `splice` would make a list for nothing.

function insert<W>(waiters: W[], at: number, waiter: W): void {
  if (at === waiters.length) waiters.push(waiter);
  else waiters.splice(at, 0, waiter);
}

function take<W>(waiters: W[], at: number): void {
  if (at === 0) waiters.shift();
  else waiters.splice(at, 1);
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
