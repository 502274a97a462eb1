/**
 * Waiters in order, with the sums of what they want of each limit. The list is cut into pieces: so a waiter comes or leaves, and the
 * sum before it is found, by a look at one piece and at the sums of the others.
 */
import { isBefore, NEWCOMER, type Ranked } from "./standing.ts";

/** A waiter with its demand, one entry a limit. */
export interface Demanding extends Ranked {
  readonly demand: readonly number[];
}

interface Piece<W> {
  readonly waiters: W[];
  readonly sums: Sums;
}

/** What some waiters want of each limit together; then, for each limit, how many of them want it. */
type Sums = number[];

// Those that are asked about stand near the front: there a look at one piece has to be short.
const MOST_IN_PIECE = 16;
/** So many pieces have one sum together. */
const ON_SHELF = 32;

export class Order<W extends Demanding> {
  readonly #limits: number;
  readonly #pieces: Piece<W>[] = [];
  /** The sums of each ON_SHELF pieces from the front, as far as they were asked for and no piece has come or gone since. */
  readonly #shelves: Sums[] = [];
  /** The waiter that was looked for last, and the place at which it stands or would stand: one is often asked about several times. */
  #sought: Ranked | undefined;
  #piece = 0;
  #index = 0;

  /** `limits`: how many limits it keeps sums of. */
  constructor(limits: number) {
    this.#limits = limits;
  }

  get first(): W | undefined {
    return this.#pieces[0]?.waiters[0];
  }

  *[Symbol.iterator](): Generator<W> {
    for (const { waiters } of this.#pieces) yield* waiters;
  }

  add(waiter: W): void {
    this.#seek(waiter);
    this.#sought = undefined;
    const at = this.#piece;
    const piece = this.#pieces[at];
    if (!piece) {
      this.#cut(at, [waiter]);
      return;
    }
    const { waiters } = piece;
    insert(waiters, this.#index, waiter);
    if (waiters.length <= MOST_IN_PIECE) {
      this.#tally(at, waiter, 1);
      return;
    }
    this.#pieces.splice(at, 1);
    // Most waiters come behind all others: then the full piece stays whole.
    const end = this.#index === MOST_IN_PIECE ? MOST_IN_PIECE : MOST_IN_PIECE / 2;
    this.#cut(at, waiters.splice(end));
    this.#cut(at, waiters);
  }

  remove(waiter: W): void {
    this.#seek(waiter);
    this.#sought = undefined;
    const at = this.#piece;
    const { waiters } = this.#pieces[at]!;
    take(waiters, this.#index);
    if (waiters[0] && this.#tally(at, waiter, -1)) return;
    take(this.#pieces, at);
    if (waiters[0]) this.#cut(at, waiters);
    else this.#forgetFrom(at);
  }

  /** What all of them want of limit `limit`. */
  sum(limit: number): number {
    return this.unitsBefore(limit, { key: Number.POSITIVE_INFINITY, turn: NEWCOMER });
  }

  /** What those want of limit `limit` that go before `ranked`; any sum above `enough` is as good as another. */
  unitsBefore(limit: number, ranked: Ranked, enough = Number.POSITIVE_INFINITY): number {
    let sum = this.#before(limit, ranked, enough);
    for (let i = 0; i < this.#index && sum <= enough; i++) sum += this.#demandAt(i, limit);
    return sum;
  }

  /** How many of those that go before `ranked` want limit `limit`. */
  countBefore(limit: number, ranked: Ranked): number {
    let count = this.#before(this.#limits + limit, ranked);
    for (let i = 0; i < this.#index; i++)
      if (this.#pieces[this.#piece]!.waiters[i]!.demand[limit]! > 0) count++;
    return count;
  }

  /** What each of those wants of limit `limit` that go before `ranked`, in order. */
  *demandsBefore(limit: number, ranked: Ranked): Generator<number> {
    for (const { waiters, sums } of this.#pieces) {
      // Most pieces are passed over where few waiters want the limit.
      if (sums[limit] === 0 && isBefore(waiters[0]!, ranked)) continue;
      for (const waiter of waiters) {
        if (!isBefore(waiter, ranked)) return;
        if (waiter.demand[limit]! > 0) yield waiter.demand[limit]!;
      }
    }
  }

  /** The sum `at` over the pieces before that of `ranked`. */
  #before(at: number, ranked: Ranked, enough = Number.POSITIVE_INFINITY): number {
    this.#seek(ranked);
    const shelf = Math.floor(this.#piece / ON_SHELF);
    let sum = 0;
    for (let i = 0; i < shelf && sum <= enough; i++) sum += this.#shelf(i)[at]!;
    for (let i = shelf * ON_SHELF; i < this.#piece && sum <= enough; i++) sum += this.#pieces[i]!.sums[at]!;
    return sum;
  }

  /** What the waiter `at` of the piece wants in which one was sought. */
  #demandAt(at: number, limit: number): number {
    return this.#pieces[this.#piece]!.waiters[at]!.demand[limit]!;
  }

  #shelf(at: number): Sums {
    const shelves = this.#shelves;
    while (shelves.length <= at) {
      const from = shelves.length * ON_SHELF;
      const [first, ...others] = this.#pieces.slice(from, from + ON_SHELF);
      shelves.push(first!.sums.map((sum, i) => others.reduce((total, { sums }) => total + sums[i]!, sum)));
    }
    return shelves[at]!;
  }

  /** Counts a waiter of the piece `at` in or out. Returns false if the sums of that piece are rounded. */
  #tally(at: number, waiter: W, sign: 1 | -1): boolean {
    const shelf = this.#shelves[Math.floor(at / ON_SHELF)];
    if (shelf && !this.#count(shelf, waiter, sign)) this.#forgetFrom(at);
    return this.#count(this.#pieces[at]!.sums, waiter, sign);
  }

  /** Makes a piece of waiters, as the one at `at`. */
  #cut(at: number, waiters: W[]): void {
    const piece = { waiters, sums: new Array<number>(2 * this.#limits).fill(0) };
    for (const waiter of waiters) this.#count(piece.sums, waiter, 1);
    insert(this.#pieces, at, piece);
    this.#forgetFrom(at);
  }

  #forgetFrom(piece: number): void {
    this.#shelves.splice(Math.floor(piece / ON_SHELF));
  }

  /**
   * Counts a waiter in, or out where `sign` is -1. Returns false if a sum was rounded, because it is beyond what a number tells: what is
   * left of it would not be the sum of the others.
   */
  #count(sums: Sums, { demand }: W, sign: 1 | -1): boolean {
    let isExact = true;
    for (let i = 0; i < this.#limits; i++) {
      if (demand[i] === 0) continue;
      if (sums[i]! > Number.MAX_SAFE_INTEGER) isExact = false;
      sums[i]! += sign * demand[i]!;
      sums[this.#limits + i]! += sign;
    }
    return isExact;
  }

  /** Finds the last piece that does not begin behind `ranked`, or the first; and how many of it go before. */
  #seek(ranked: Ranked): void {
    if (this.#sought === ranked) return;
    const pieces = this.#pieces;
    let low = 0;
    let high = pieces.length;
    // Most come behind all others, or leave from the front.
    if (high > 0 && !isBefore(ranked, pieces[high - 1]!.waiters[0]!)) low = high;
    else if (high > 1 && isBefore(ranked, pieces[1]!.waiters[0]!)) high = 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(ranked, pieces[middle]!.waiters[0]!)) high = middle;
      else low = middle + 1;
    }
    this.#sought = ranked;
    this.#piece = Math.max(low - 1, 0);
    this.#index = low === 0 ? 0 : indexIn(pieces[low - 1]!.waiters, ranked);
  }
}

/** Waiters, put in order. */
export function inOrder<W extends Demanding>(waiters: W[], limits: number): Order<W> {
  waiters.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  const order = new Order<W>(limits);
  for (const waiter of waiters) order.add(waiter);
  return order;
}

// Most come at the end and leave from the front: there `splice` would make a list for nothing.

function insert<T>(list: T[], at: number, value: T): void {
  if (at === list.length) list.push(value);
  else list.splice(at, 0, value);
}

function take(list: unknown[], at: number): void {
  if (at === 0) list.shift();
  else list.splice(at, 1);
}

/** The index of the first waiter that does not go before `ranked`. */
function indexIn(waiters: readonly Ranked[], ranked: Ranked): number {
  let index = waiters.length;
  // Most come behind all others, or leave from the front: a piece is short.
  if (isBefore(waiters[index - 1]!, ranked)) return index;
  for (index = 0; isBefore(waiters[index]!, ranked); ) index++;
  return index;
}
