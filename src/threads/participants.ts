/**
 * Which threads take part in a shared region. Each has a number, and with it a scratch area and two blocks; the word LIFE
 * in the scratch area says whether the number is free, offered in a handle or taken by a thread, and counts how often
 * it has been offered: a handle, and a thread that was given up, are good for one life.
 */
import {
  GUARD,
  LIFE,
  NEXT,
  PARENT,
  PARENT_LIFE,
  PARTICIPANTS,
  SCRATCH_BYTES,
  SCRATCHES,
  SERIAL,
} from "../../assembly/layout.ts";
import { change } from "./change.ts";

// LIFE: the two lowest bits, and one of the count.
const FREE = 0;
const OFFERED = 1;
const TAKEN = 2;
const STATE = 3;
const ONCE = 4;

// GUARD: 0, or how far a thread has come with its lock.
export const ASKED = 1;
export const HELD = 2;

/** A number, and which of its lives. */
export interface Seat {
  readonly participant: number;
  readonly life: number;
}

export class Participants {
  private readonly words: Int32Array;
  private readonly start: number;

  constructor(memory: WebAssembly.Memory, start: number) {
    this.words = new Int32Array(memory.buffer);
    this.start = start / 4;
  }

  /** How many there can be. */
  get count(): number {
    return this.words[this.start + PARTICIPANTS / 4]!;
  }

  /** Tells the region from others that were at the same address before, or will be. */
  get serial(): number {
    return this.words[this.start + SERIAL / 4]!;
  }

  /** Whether nobody takes part, nor could with a handle that is out. */
  get none(): boolean {
    return this.all().every((participant) => (this.lifeOf(participant) & STATE) === FREE);
  }

  /** Takes number 0 of a new region, of which nobody else knows yet. */
  found(serial: number): Seat {
    const seat = { participant: 0, life: ONCE | TAKEN };
    this.words[this.start + SERIAL / 4] = serial;
    this.words[this.start + NEXT / 4] = 1;
    this.words[this.at(0, LIFE)] = seat.life;
    return seat;
  }

  /**
   * Offers a free number; undefined if there is none. All in turn, so that each comes back as late as can be: a thread that
   * was given up by mistake has then noticed it.
   */
  offer(): Seat | undefined {
    const { words, count } = this;
    for (let tries = 0; tries < count; tries++) {
      const participant = (Atomics.add(words, this.start + NEXT / 4, 1) >>> 0) % count;
      const life = this.lifeOf(participant);
      const offered = (life + ONCE) | OFFERED;
      if ((life & STATE) === FREE && this.change(participant, life, offered)) {
        Atomics.store(words, this.at(participant, PARENT), 0);
        Atomics.store(words, this.at(participant, GUARD), 0);
        return { participant, life: offered };
      }
    }
    return undefined;
  }

  /** Takes the number that was offered; undefined if somebody has, or it is offered no more. */
  take({ participant, life }: Seat): Seat | undefined {
    const taken = (life & ~STATE) | TAKEN;
    return this.change(participant, life, taken) ? { participant, life: taken } : undefined;
  }

  /** The seat as it stands, of a handle or a thread in the same life; undefined if that is over. */
  present({ participant, life }: Seat): Seat | undefined {
    const now = this.lifeOf(participant);
    return (now & STATE) !== FREE && (now & ~STATE) === (life & ~STATE)
      ? { participant, life: now }
      : undefined;
  }

  /** Frees a number; false if it has changed. */
  free({ participant, life }: Seat): boolean {
    return this.change(participant, life, (life & ~STATE) | FREE);
  }

  /** Says that `child` is a thread that ends when the thread of `parent` does. */
  adopt(child: Seat, parent: Seat): void {
    Atomics.store(this.words, this.at(child.participant, PARENT_LIFE), parent.life);
    Atomics.store(this.words, this.at(child.participant, PARENT), parent.participant + 1);
  }

  childrenOf({ participant, life }: Seat): Seat[] {
    return this.all()
      .filter(
        (child) =>
          Atomics.load(this.words, this.at(child, PARENT)) === participant + 1 &&
          Atomics.load(this.words, this.at(child, PARENT_LIFE)) === life,
      )
      .map((child) => ({ participant: child, life: this.lifeOf(child) }))
      .filter((child) => (child.life & STATE) !== FREE);
  }

  /** Says how far the thread of a seat has come with the lock that it loses when it dies. */
  guard({ participant }: Seat, how: typeof ASKED | typeof HELD): void {
    const at = this.at(participant, GUARD);
    Atomics.store(this.words, at, how);
    Atomics.notify(this.words, at);
  }

  /** Whether the thread of a seat has come so far, within `ms` or after all. */
  async guarded({ participant }: Seat, how: typeof ASKED | typeof HELD, ms?: number): Promise<boolean> {
    const at = this.at(participant, GUARD);
    for (;;) {
      const now = Atomics.load(this.words, at);
      if (now >= how) return true;
      if (!(await change(this.words, at, now, ms))) return false;
    }
  }

  private all(): number[] {
    return Array.from({ length: this.count }, (_, participant) => participant);
  }

  private lifeOf(participant: number): number {
    return Atomics.load(this.words, this.at(participant, LIFE));
  }

  private change(participant: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, this.at(participant, LIFE), from, to) === from;
  }

  /** Where a word of a participant's scratch area is. */
  private at(participant: number, word: number): number {
    const scratches = this.words[this.start + SCRATCHES / 4]!;
    const bytes = this.words[this.start + SCRATCH_BYTES / 4]!;
    return this.start + (scratches + participant * bytes + word) / 4;
  }
}
