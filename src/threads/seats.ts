/**
 * The seats of a shared region: which threads take part in it. Each of them has a participant number, and with that a scratch
 * area and two blocks. The seat of a number says whether a thread has it, and counts how often it has been given out: a seat is
 * a number in one of its lives.
 *
 * A thread may be reclaimed while it is alive, and then goes on until it notices. So a life ends in steps:
 *
 * - TAKEN: the thread takes part.
 * - RECLAIMED: the life is over, so that the thread publishes nothing any more. Its holdings are being given back.
 * - Neither of the two, which is to be free: its holdings are back.
 * - Another thread takes the number, but not while the old thread is INSIDE a transaction: there it writes to the scratch area and
 *   the blocks of the number. The new thread first gives back all that the number still holds, so that a thread that dies while
 *   it reclaims leaves nothing behind.
 *
 * All of this is one word, LIFE, which changes by compare-and-swap. A thread raises INSIDE before it writes anything, and only while
 * its life lasts. So a thread that is not inside, and whose life is over, never writes again. Whatever else happens to the word,
 * INSIDE stays up until that thread lowers it, or until the thread is known to have ended. A thread that ends inside, and is not
 * known to have ended, thus keeps its number and the memory of the region for ever.
 *
 * Seats lie outside of the region, since a reclaimed thread looks at its seat even when the region is gone. Their memory is used
 * again only for seats, which go on counting the lives: so a thread never mistakes a later life for its own.
 */
import { HANDLE, INSIDE, LIFE, RECLAIMED, SEAT_BYTES, TAKEN, THREAD, USES } from "../../assembly/seat.ts";

const FREE = 0;
const FLAGS = TAKEN | RECLAIMED | INSIDE;
/** The count of lives is above the flags. */
const ONCE = 8;
/** The last life of a number; and one until which its seat is used for another region. */
const LAST = 2 ** 31 - ONCE;
const LAST_OF_REGION = 2 ** 30;

/** A number in one of its lives: `life` is LIFE without INSIDE. */
export interface Seat {
  readonly participant: number;
  readonly life: number;
}

/** In place of a handle: the thread that made the set needs none. */
export const NO_HANDLE = 0;

export class Seats {
  readonly count: number;
  private readonly pairs: BigInt64Array;
  private readonly words: Int32Array;
  /** The address of the first seat. */
  readonly start: number;

  /** `start` is the address of the first of `count` seats. */
  constructor(buffer: ArrayBufferLike, start: number, count: number) {
    this.pairs = new BigInt64Array(buffer);
    this.words = new Int32Array(buffer);
    this.start = start;
    this.count = count;
  }

  /** The size of all seats. */
  get bytes(): number {
    return this.count * SEAT_BYTES;
  }

  /** Whether no thread takes part, and none is in the middle of a transaction. */
  get areFree(): boolean {
    return this.all().every((participant) => (this.lifeOf(participant) & (TAKEN | INSIDE)) === 0);
  }

  /** Whether the seats may be those of another region later: their lives must not run out. */
  get areReusable(): boolean {
    return this.all().every((participant) => this.lifeOf(participant) < LAST_OF_REGION);
  }

  /** Takes seat 0 of a new region, of which no other thread knows yet. */
  found(threadId: number): Seat {
    const seat = { participant: 0, life: taken(this.lifeOf(0)) + ONCE };
    Atomics.store(this.pairs, this.at(0, LIFE), pair(seat.life, NO_HANDLE));
    this.note(seat, threadId);
    return seat;
  }

  /**
   * Takes a free number for the thread `threadId`, which attaches by `handle`; returns undefined if there is none. A reclaimed number
   * is as good: the thread gives back what that still holds.
   */
  take(handle: number, threadId: number): Seat | undefined {
    for (const participant of this.all()) {
      const last = this.pairOf(participant);
      const life = lifeIn(last);
      if ((life & (TAKEN | INSIDE)) !== 0 || life >= LAST) continue;
      const next = taken(life) + ONCE;
      if (!this.change(participant, last, pair(next, handle))) continue;
      const seat = { participant, life: next };
      this.note(seat, threadId);
      return seat;
    }
    return undefined;
  }

  /** The address of a seat, for `enter` and `exit` of the core. */
  addressOf({ participant }: Seat): number {
    return this.start + participant * SEAT_BYTES;
  }

  /** Whether a thread is in the middle of a transaction by a number. */
  isInside(participant: number): boolean {
    return (this.lifeOf(participant) & INSIDE) !== 0;
  }

  /** Notes on which region the thread of a seat acts from now on. It is inside. */
  use({ participant }: Seat, region: number): void {
    Atomics.store(this.words, this.at(participant, USES) * 2, region);
  }

  /** Whether a thread that is inside acts on one of these regions. */
  someUse(isOne: (region: number) => boolean): boolean {
    return this.all().some((participant) => {
      const used = Atomics.load(this.words, this.at(participant, USES) * 2) >>> 0;
      return used !== 0 && isOne(used) && this.isInside(participant);
    });
  }

  /** Ends the life of a seat, so that its thread publishes nothing any more. Does nothing if it is over already. */
  end(seat: Seat): void {
    this.turn(seat, RECLAIMED);
  }

  /** The seats whose lives are over, and whose holdings are not back yet. */
  ended(): Seat[] {
    return this.present().filter(({ life }) => (life & RECLAIMED) !== 0);
  }

  /**
   * Frees a seat whose holdings have all been given back: of a thread that leaves by itself, or one that has ended. Does nothing if
   * its state has changed meanwhile.
   */
  free(seat: Seat): void {
    this.turn(seat, FREE);
  }

  /** Notes that the thread of a seat has ended, so that it is not inside any more. */
  forget({ participant, life }: Seat): void {
    for (;;) {
      const last = this.pairOf(participant);
      if (taken(lifeIn(last)) !== taken(life)) return;
      if (this.change(participant, last, last & ~BigInt(INSIDE))) return;
    }
  }

  /** The seats of the threads that take part. */
  taken(): Seat[] {
    return this.present().filter(({ life }) => (life & TAKEN) !== 0);
  }

  /** All numbers in their present or last lives. */
  present(): Seat[] {
    return this.all().map((participant) => ({ participant, life: this.lifeOf(participant) & ~INSIDE }));
  }

  /** The handle by which the thread of a seat attached; undefined if another thread has the number by now. */
  handleOf({ participant, life }: Seat): number | undefined {
    const both = this.pairOf(participant);
    return taken(lifeIn(both)) === taken(life) ? otherIn(both) : undefined;
  }

  /** The platform's id of the thread of a seat; -1 if it is not known. */
  threadOf({ participant, life }: Seat): number {
    const both = Atomics.load(this.pairs, this.at(participant, THREAD));
    return lifeIn(both) === taken(life) ? otherIn(both) - 1 : -1;
  }

  /** Whether the thread of a seat still takes part by it. */
  isPresent({ participant, life }: Seat): boolean {
    return (this.lifeOf(participant) & ~INSIDE) === life;
  }

  /**
   * Notes the platform's id of the thread that has a seat, before that is inside for the first time: a thread that ends inside is
   * known by its id.
   */
  private note({ participant, life }: Seat, threadId: number): void {
    const at = this.at(participant, THREAD);
    for (;;) {
      const last = Atomics.load(this.pairs, at);
      // The number may have passed to a later life already.
      if (lifeIn(last) > life) return;
      if (Atomics.compareExchange(this.pairs, at, last, pair(life, threadId + 1)) === last) return;
    }
  }

  private all(): number[] {
    return Array.from({ length: this.count }, (_, participant) => participant);
  }

  private lifeOf(participant: number): number {
    return lifeIn(this.pairOf(participant));
  }

  private pairOf(participant: number): bigint {
    return Atomics.load(this.pairs, this.at(participant, LIFE));
  }

  private change(participant: number, from: bigint, to: bigint): boolean {
    return Atomics.compareExchange(this.pairs, this.at(participant, LIFE), from, to) === from;
  }

  /** Changes the state of a seat, in the same life. INSIDE and the handle stay. Does nothing if the state has changed already. */
  private turn({ participant, life }: Seat, state: number): void {
    for (;;) {
      const last = this.pairOf(participant);
      const now = lifeIn(last);
      if ((now & ~INSIDE) !== life) return;
      const next = (now & ~(TAKEN | RECLAIMED)) | state;
      if (this.change(participant, last, pair(next, otherIn(last)))) return;
    }
  }

  /** The index, among the pairs of the memory, of a word of a seat. */
  private at(participant: number, word: number): number {
    return (this.start + participant * SEAT_BYTES + word) / 8;
  }
}

/** The value of LIFE with which a life begins. */
function taken(life: number): number {
  return (life & ~FLAGS) | TAKEN;
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
