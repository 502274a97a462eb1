/**
 * The seats of a shared region: which threads take part in it. Each of them has a participant number, and with that a scratch
 * area and two blocks. The seat of a number says whether a thread has it, and counts how often it has been given out: a seat is
 * a number in one of its lives.
 *
 * A thread may be reclaimed while it is alive, and then goes on until it notices. So a life ends in steps:
 *
 * - TAKEN: the thread takes part.
 * - RECLAIMED: the life is over, so that the thread publishes nothing any more. Its holdings are being given back.
 * - LEFT: its holdings are back.
 * - Another thread takes the number, but not while the old thread is in the middle of a transaction: there it writes to the
 *   scratch area and the blocks of the number. The new thread first gives back all that the number still holds, so that a
 *   thread that dies while it reclaims leaves nothing behind.
 *
 * A thread notes that it is INSIDE before it writes anything, and checks its life after that. So a thread that is not inside,
 * and whose life is over, never writes again (Dekker's rule: all these words are sequentially consistent). The word INSIDE may
 * still be changed by a thread of an earlier life, though never while it is of a later one.
 *
 * A thread that ends while it is inside leaves its number unusable until it is known to have ended.
 *
 * Seats lie outside of the region, since a reclaimed thread looks at its seat even when the region is gone. Their memory is used
 * again only for seats, which go on counting the lives: so a thread never mistakes a later life for its own.
 */
import { HANDLE, INSIDE, LIFE, SEAT_BYTES, THREAD } from "../../assembly/layout.ts";

// The word LIFE: the state in the two lowest bits, and above them the count.
const FREE = 0;
const TAKEN = 1;
const RECLAIMED = 2;
const LEFT = 3;
const STATE = 3;
const ONCE = 4;
/** The last life of a number; and one until which its seat is used for another region. */
const LAST = 2 ** 31 - ONCE;
const LAST_OF_REGION = 2 ** 30;

/** A number in one of its lives: `life` is the value of LIFE while the thread takes part. */
export interface Seat {
  readonly participant: number;
  readonly life: number;
}

/** In place of a handle: the thread that made the set needs none. */
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

  /** The size of all seats. */
  get bytes(): number {
    return this.count * SEAT_BYTES;
  }

  /** Whether no thread takes part, and none is in the middle of a transaction. */
  get areFree(): boolean {
    return this.all().every((participant) => {
      const life = this.lifeOf(participant);
      return (life & STATE) !== TAKEN && !this.isInside(participant, life);
    });
  }

  /** Whether the seats may be those of another region later: their lives must not run out. */
  get areReusable(): boolean {
    return this.all().every((participant) => this.lifeOf(participant) < LAST_OF_REGION);
  }

  /** Takes seat 0 of a new region, of which no other thread knows yet. */
  found(threadId: number): Seat {
    const seat = { participant: 0, life: taken(this.lifeOf(0)) + ONCE };
    Atomics.store(this.pairs, this.at(0, LIFE) / 2, pair(seat.life, NO_HANDLE));
    this.note(seat, threadId);
    return seat;
  }

  /** Takes a free number for a thread that attaches by `handle`; returns undefined if there is none. */
  take(handle: number): Seat | undefined {
    for (const participant of this.all()) {
      const last = this.pairOf(participant);
      const life = lifeIn(last);
      if ((life & STATE) === TAKEN || this.isInside(participant, life) || life >= LAST) continue;
      const next = taken(life) + ONCE;
      if (this.change(participant, last, pair(next, handle))) return { participant, life: next };
    }
    return undefined;
  }

  /** Notes the platform's id of the thread that has a seat. The thread is inside, so that no later life has the number. */
  note({ participant, life }: Seat, threadId: number): void {
    Atomics.store(this.pairs, this.at(participant, THREAD) / 2, pair(life, threadId + 1));
  }

  /** Lets the thread of a seat begin to write. Returns false if its life is over: then it must not write. */
  enter({ participant, life }: Seat): boolean {
    const { words } = this;
    const inside = this.at(participant, INSIDE);
    for (;;) {
      const last = Atomics.load(words, inside);
      // The word is of a later life, or this thread was taken for ended. Words of earlier lives mean nothing any more.
      if (last === -life || Math.abs(last) > life) return false;
      if (Atomics.compareExchange(words, inside, last, life) === last) break;
    }
    if (this.isPresent({ participant, life })) return true;
    this.exit({ participant, life });
    return false;
  }

  exit({ participant, life }: Seat): void {
    Atomics.compareExchange(this.words, this.at(participant, INSIDE), life, 0);
  }

  /** Ends the life of a seat, so that its thread publishes nothing any more. Returns false if it is over already. */
  end({ participant, life }: Seat): boolean {
    return this.changeLife(participant, life, life - TAKEN + RECLAIMED);
  }

  /** The seats whose lives are over, and whose holdings are not back yet. Their `life` is the present value of LIFE. */
  ended(): Seat[] {
    return this.all().flatMap((participant) => {
      const life = this.lifeOf(participant);
      return (life & STATE) === RECLAIMED ? [{ participant, life }] : [];
    });
  }

  /** Notes that all holdings of an ended seat have been given back. */
  vacate({ participant, life }: Seat): void {
    this.changeLife(participant, life, life - RECLAIMED + LEFT);
  }

  /** Notes that the thread of a seat has ended, so that it is not inside any more. */
  forget({ participant, life }: Seat): void {
    const { words } = this;
    const inside = this.at(participant, INSIDE);
    for (;;) {
      const last = Atomics.load(words, inside);
      if (Math.abs(last) > life || Atomics.compareExchange(words, inside, last, -life) === last) return;
    }
  }

  /** Frees the seat of a thread that leaves by itself and has given everything back. Returns false if its life is over already. */
  free({ participant, life }: Seat): boolean {
    return this.changeLife(participant, life, life - TAKEN + FREE);
  }

  /** The seats of the threads that take part. */
  taken(): Seat[] {
    return this.lives().filter(({ participant }) => (this.lifeOf(participant) & STATE) === TAKEN);
  }

  /** The present or last life of each number. */
  lives(): Seat[] {
    return this.all().map((participant) => ({ participant, life: taken(this.lifeOf(participant)) }));
  }

  /** The handle by which the thread of a seat attached; undefined if another thread has the number by now. */
  handleOf({ participant, life }: Seat): number | undefined {
    const both = this.pairOf(participant);
    return taken(lifeIn(both)) === life ? otherIn(both) : undefined;
  }

  /** The platform's id of the thread of a seat; -1 if it is not known. */
  threadOf({ participant, life }: Seat): number {
    const both = Atomics.load(this.pairs, this.at(participant, THREAD) / 2);
    return lifeIn(both) === life ? otherIn(both) - 1 : -1;
  }

  /** Whether the life of a seat is not over. */
  isPresent({ participant, life }: Seat): boolean {
    return this.lifeOf(participant) === life;
  }

  private all(): number[] {
    return Array.from({ length: this.count }, (_, participant) => participant);
  }

  private lifeOf(participant: number): number {
    return Atomics.load(this.words, this.at(participant, LIFE));
  }

  /** Whether the thread of the present or last life of a number is in the middle of a transaction. */
  private isInside(participant: number, life: number): boolean {
    return Atomics.load(this.words, this.at(participant, INSIDE)) === taken(life);
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

  /** The index, among the words of the memory, of a word of a seat. */
  private at(participant: number, word: number): number {
    return (this.start + participant * SEAT_BYTES + word) / 4;
  }
}

/** The value of LIFE while the thread of a life takes part. */
function taken(life: number): number {
  return (life & ~STATE) | TAKEN;
}

// Pairs of words that change together: LIFE and HANDLE, and the two of THREAD. The first word is the lower half.
const HALF = BigInt((HANDLE - LIFE) * 8);

function pair(life: number, other: number): bigint {
  return (BigInt(other) << HALF) | BigInt(life);
}

function lifeIn(both: bigint): number {
  return Number(BigInt.asIntN(32, both));
}

function otherIn(both: bigint): number {
  return Number(both >> HALF);
}
