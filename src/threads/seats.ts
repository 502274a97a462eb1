/**
 * The seats of a shared region: which threads take part in it. Each of them has a participant number, and with that a scratch
 * area and two blocks. The word LIFE in the scratch area says whether a thread has the number, and counts how often the number
 * has been given out: a thread whose number was reclaimed finds another life there. LIFE and HANDLE change together, so that a
 * thread that dies while it attaches leaves no seat whose handle is unknown.
 */
import { HANDLE, LIFE, NEXT, PARTICIPANTS, SCRATCH_BYTES, SCRATCHES, THREAD } from "../../assembly/layout.ts";

// The word LIFE: a flag, and above it the count.
const TAKEN = 1;
const ONCE = 2;

/** A participant number in one of its lives. */
export interface Seat {
  readonly participant: number;
  readonly life: number;
}

/** In place of the handle of the thread that made the set, and of a thread that only reclaims. */
export const NO_HANDLE = 0;

export class Seats {
  private readonly words: Int32Array;
  private readonly pairs: BigInt64Array;
  private readonly start: number;

  constructor(buffer: ArrayBufferLike, start: number) {
    this.words = new Int32Array(buffer);
    this.pairs = new BigInt64Array(buffer);
    this.start = start;
  }

  /** How many seats there are. */
  get count(): number {
    return this.words[(this.start + PARTICIPANTS) / 4]!;
  }

  /** Whether no thread takes part in the region. */
  get areFree(): boolean {
    return this.all().every((participant) => (this.lifeOf(participant) & TAKEN) === 0);
  }

  /** Takes seat 0 of a new region, of which no other thread knows yet. */
  found(): Seat {
    const seat = { participant: 0, life: ONCE | TAKEN };
    this.words[(this.start + NEXT) / 4] = 1;
    this.words[this.at(0, LIFE)] = seat.life;
    return seat;
  }

  /**
   * Takes a free seat for a thread that attaches by `handle`; returns undefined if all are taken. The numbers are tried in turn,
   * so that each is given out again as late as possible: a thread that was reclaimed by mistake has noticed it by then.
   */
  take(handle: number): Seat | undefined {
    const { words, count } = this;
    for (let tries = 0; tries < count; tries++) {
      const participant = (Atomics.add(words, (this.start + NEXT) / 4, 1) >>> 0) % count;
      const free = this.pairOf(participant);
      const life = (lifeIn(free) + ONCE) | TAKEN;
      if ((lifeIn(free) & TAKEN) === 0 && this.change(participant, free, pair(life, handle))) {
        Atomics.store(words, this.at(participant, THREAD), 0);
        return { participant, life };
      }
    }
    return undefined;
  }

  /** Notes the platform's id of the thread that has a seat. */
  note({ participant }: Seat, threadId: number): void {
    Atomics.store(this.words, this.at(participant, THREAD), threadId + 1);
  }

  /** Whether the thread of a seat still takes part. */
  isPresent({ participant, life }: Seat): boolean {
    return this.lifeOf(participant) === life;
  }

  /** Frees a seat. Returns false if its life is over already. */
  free({ participant, life }: Seat): boolean {
    const taken = this.pairOf(participant);
    return lifeIn(taken) === life && this.change(participant, taken, pair(life & ~TAKEN, NO_HANDLE));
  }

  /** The seats of the threads that attached by `handle`. With `threadId`, only those of that thread. */
  takenBy(handle: number, threadId?: number): Seat[] {
    return this.all().flatMap((participant) => {
      const taken = this.pairOf(participant);
      const life = lifeIn(taken);
      if ((life & TAKEN) === 0 || handleIn(taken) !== handle) return [];
      if (threadId !== undefined && Atomics.load(this.words, this.at(participant, THREAD)) !== threadId + 1) {
        return [];
      }
      return [{ participant, life }];
    });
  }

  private all(): number[] {
    return Array.from({ length: this.count }, (_, participant) => participant);
  }

  private lifeOf(participant: number): number {
    return Atomics.load(this.words, this.at(participant, LIFE));
  }

  private pairOf(participant: number): bigint {
    return Atomics.load(this.pairs, this.at(participant, LIFE) / 2);
  }

  private change(participant: number, from: bigint, to: bigint): boolean {
    return Atomics.compareExchange(this.pairs, this.at(participant, LIFE) / 2, from, to) === from;
  }

  /** The index, among the words of the memory, of a word of a participant's scratch area. */
  private at(participant: number, word: number): number {
    const region = this.start / 4;
    const scratches = this.words[region + SCRATCHES / 4]!;
    const bytes = this.words[region + SCRATCH_BYTES / 4]!;
    return region + (scratches + participant * bytes + word) / 4;
  }
}

// LIFE is the lower half of a pair, HANDLE is the upper half.
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
