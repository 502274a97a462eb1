/**
 * Which threads take part in a shared region. Each has a participant number, and with it a scratch area and two blocks. The
 * seat of a number says whether a thread has it, and counts the threads that have had it: a number in one of its lives.
 *
 * A thread may be reclaimed although it lives, and then goes on until it notices. So a life ends in steps:
 *
 * - TAKEN: the thread takes part.
 * - RECLAIMED: its life is over, so that it publishes nothing any more. What it held is being given back.
 * - LEFT: what it held is back.
 * - Another thread takes the number, but not while the old one is in the middle of a transaction: there it writes into
 *   the scratch area and the blocks of the number. The new thread first gives back what the number still holds, so that
 *   a thread that dies while it reclaims leaves nothing behind.
 *
 * A thread says that it is INSIDE before it writes anything, and looks at its life after that. So a thread that is not inside,
 * and whose life is over, never writes again (Dekker's rule: all these words are sequentially consistent).
 *
 * Seats lie outside of the region: a thread that was reclaimed looks at its seat even when the region is gone. The memory of
 * seats is used again only when every thread that has had one is known not to look any more.
 */
import { HANDLE, INSIDE, LIFE, SEAT_BYTES, THREAD } from "../../assembly/layout.ts";

// LIFE: the state in the two lowest bits, and above them the count.
const FREE = 0;
const TAKEN = 1;
const RECLAIMED = 2;
const LEFT = 3;
const STATE = 3;
const ONCE = 4;

/** A number in one of its lives: `life` is LIFE while the thread takes part. */
export interface Seat {
  readonly participant: number;
  readonly life: number;
}

/** The handle of the thread that has made the set, and of a thread that only reclaims. */
export const NO_HANDLE = 0;

export class Seats {
  readonly count: number;
  private readonly words: Int32Array;
  private readonly pairs: BigInt64Array;
  /** The address of the first seat. */
  readonly start: number;

  /** `start` is the address of the first of `count` seats. */
  constructor(buffer: ArrayBufferLike, start: number, count: number) {
    this.words = new Int32Array(buffer);
    this.pairs = new BigInt64Array(buffer);
    this.start = start;
    this.count = count;
  }

  get bytes(): number {
    return this.count * SEAT_BYTES;
  }

  /** Whether no thread takes part, or is in the middle of a transaction. */
  get areFree(): boolean {
    return this.all().every((participant) => {
      const life = this.lifeOf(participant);
      return (life & STATE) !== TAKEN && !this.isInside(participant, life);
    });
  }

  /** Whether no thread ever looks at its seat again. */
  get areForgotten(): boolean {
    return this.all().every((participant) => {
      const life = this.lifeOf(participant);
      return (life & STATE) === FREE || this.insideOf(participant) === -taken(life);
    });
  }

  /** Takes number 0 of a new region, of which no other thread knows yet. */
  found(threadId: number): Seat {
    const seat = { participant: 0, life: ONCE | TAKEN };
    Atomics.store(this.words, this.at(0, LIFE), seat.life);
    this.note(seat, threadId);
    return seat;
  }

  /** Takes a number that no thread has, for a thread that attaches by `handle`; undefined if there is none. */
  take(handle: number): Seat | undefined {
    for (const participant of this.all()) {
      const last = this.pairOf(participant);
      const life = lifeIn(last);
      if ((life & STATE) === TAKEN || this.isInside(participant, life)) continue;
      const next = taken(life) + ONCE;
      if (!this.change(participant, last, pair(next, handle))) continue;
      Atomics.store(this.words, this.at(participant, THREAD), 0);
      return { participant, life: next };
    }
    return undefined;
  }

  /** Notes which thread of the platform has a seat. */
  note({ participant }: Seat, threadId: number): void {
    Atomics.store(this.words, this.at(participant, THREAD), threadId + 1);
  }

  /** Begins to write in the name of a seat: its own thread does. False if its life is over; then nothing must be written. */
  enter({ participant, life }: Seat): boolean {
    const { words } = this;
    const inside = this.at(participant, INSIDE);
    for (;;) {
      const last = Atomics.load(words, inside);
      // A later life, or the end of this one. Words of earlier lives mean nothing any more.
      if (last === -life || Math.abs(last) > life) return false;
      if (Atomics.compareExchange(words, inside, last, life) === last) break;
    }
    if (Atomics.load(words, this.at(participant, LIFE)) === life) return true;
    this.exit({ participant, life });
    return false;
  }

  exit({ participant, life }: Seat): void {
    Atomics.compareExchange(this.words, this.at(participant, INSIDE), life, 0);
  }

  /** Ends the life of a seat, so that its thread publishes nothing any more. False if it is over already. */
  end({ participant, life }: Seat): boolean {
    return this.changeLife(participant, life, life - TAKEN + RECLAIMED);
  }

  /** The seats whose lives are over, and of which something may still have to be given back; each with LIFE as it is. */
  ended(): Seat[] {
    return this.all().flatMap((participant) => {
      const life = this.lifeOf(participant);
      return (life & STATE) === RECLAIMED ? [{ participant, life }] : [];
    });
  }

  /** Everything that an ended seat held has been given back. */
  vacate({ participant, life }: Seat): void {
    this.changeLife(participant, life, life - RECLAIMED + LEFT);
  }

  /** The thread of a seat does not look at it any more: it has ended, or has noticed that its life is over. */
  forget({ participant, life }: Seat): void {
    const { words } = this;
    const inside = this.at(participant, INSIDE);
    if (taken(this.lifeOf(participant)) === life) Atomics.store(words, inside, -life);
  }

  /** Frees the number of a thread that leaves by itself, and has given everything back. False if its life is over already. */
  free({ participant, life }: Seat): boolean {
    return this.changeLife(participant, life, life - TAKEN + FREE);
  }

  /** The seats of the threads that have attached by `handle`. */
  takenBy(handle: number): Seat[] {
    return this.taken().filter(({ participant }) => handleIn(this.pairOf(participant)) === handle);
  }

  /** The seats of one thread of the platform. */
  takenIn(threadId: number): Seat[] {
    return this.taken().filter((seat) => this.threadOf(seat) === threadId);
  }

  /** The platform's id of the thread of a seat; -1 if it is not known. */
  threadOf({ participant }: Seat): number {
    return Atomics.load(this.words, this.at(participant, THREAD)) - 1;
  }

  private taken(): Seat[] {
    return this.all().flatMap((participant) => {
      const life = this.lifeOf(participant);
      return (life & STATE) === TAKEN ? [{ participant, life }] : [];
    });
  }

  private all(): number[] {
    return Array.from({ length: this.count }, (_, participant) => participant);
  }

  private lifeOf(participant: number): number {
    return Atomics.load(this.words, this.at(participant, LIFE));
  }

  private insideOf(participant: number): number {
    return Atomics.load(this.words, this.at(participant, INSIDE));
  }

  /** Whether the thread of the present or last life of a number is in the middle of a transaction. */
  private isInside(participant: number, life: number): boolean {
    return this.insideOf(participant) === taken(life);
  }

  private pairOf(participant: number): bigint {
    return Atomics.load(this.pairs, this.at(participant, LIFE) / 2);
  }

  private change(participant: number, from: bigint, to: bigint): boolean {
    return Atomics.compareExchange(this.pairs, this.at(participant, LIFE) / 2, from, to) === from;
  }

  private changeLife(participant: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, this.at(participant, LIFE), from, to) === from;
  }

  /** Where among the words one of a seat is. */
  private at(participant: number, word: number): number {
    return (this.start + participant * SEAT_BYTES + word) / 4;
  }
}

/** LIFE as it is while the thread of that life takes part. */
function taken(life: number): number {
  return (life & ~STATE) | TAKEN;
}

// LIFE is the lower half of a pair, HANDLE the upper.
const UPPER = BigInt((HANDLE - LIFE) * 8);

function pair(life: number, handle: number): bigint {
  return (BigInt(handle) << UPPER) | BigInt.asUintN(32, BigInt(life));
}

function lifeIn(both: bigint): number {
  return Number(BigInt.asIntN(32, both));
}

function handleIn(both: bigint): number {
  return Number(both >> UPPER);
}
