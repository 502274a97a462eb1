/**
 * The rooms of a shared set: memory for the regions that follow each other as the set is redefined. The region that has the head
 * keeps the list. A room is used again once no thread can act on the region in it any more.
 *
 * STATE of a room is one word: how often the room has been taken, and which participant is just laying out a region in it. That
 * participant is inside until it has published the region, or given up. So of a room that a participant which is not inside has
 * marked, the making is over, whatever became of it. Such a room is free, if
 *
 * - the present block is not in its region: it never will be again, since only the participant that made the region could bring it there;
 * - no partitions of the present region come from it;
 * - and no thread that is inside uses the region, or one whose partitions come from it. A thread that enters later finds that PRESENT is past the region, and does nothing.
 *
 * The order counts: the mark is looked at first, then the head, then PRESENT is brought up to it, then the seats are looked at, and
 * the room is taken by a compare-and-swap that fails if its STATE has changed since.
 */
import { ROOM_ADDRESS, ROOM_BYTES, ROOM_SIZE, ROOM_STATE, ROOMS, SCRATCHES } from "../../assembly/layout.ts";
import type { Heap } from "../core/arena.ts";
import type { Pages } from "../core/pool.ts";
import type { Room } from "../core/sharing.ts";

/** The parts of a shared set on which it depends which rooms are free. */
export interface Uses {
  /**
   * Whether the region at an address has the present block, or the partitions of the present one come from there. PRESENT is brought up to
   * it.
   */
  isPresent(address: number): boolean;
  isInside(participant: number): boolean;
  /** Whether a thread that is inside uses the region at an address, or one whose partitions come from there. */
  isUsed(address: number): boolean;
}

const LOWER = 32n;
const LEAST_BYTES = 4096;

export class Rooms {
  private readonly heap: Heap;
  private readonly uses: Uses;
  private readonly states: BigInt64Array;
  private readonly words: Int32Array;
  /** The address of the list. */
  private readonly at: number;
  private readonly count: number;

  /** The rooms of the region at `home`, which has the head. */
  constructor(heap: Heap, home: number, uses: Uses) {
    const { buffer } = heap.memory;
    this.heap = heap;
    this.uses = uses;
    this.states = new BigInt64Array(buffer);
    this.words = new Int32Array(buffer);
    const word = (offset: number) => this.words[(home + offset) / 4]!;
    this.at = home + word(ROOMS);
    this.count = Math.floor((word(SCRATCHES) - word(ROOMS)) / ROOM_BYTES);
  }

  /**
   * Takes a room of at least `bytes` bytes for a participant that is inside, and that marks no other. The first `cleared` of them are 0.
   * `allocate` makes memory for a room that has none, or too little.
   *
   * @throws {RangeError} if there is no memory left.
   */
  take(bytes: number, cleared: number, participant: number, allocate: (size: number) => Pages): Room {
    const size = sizeFor(bytes);
    const large = (room: number) => this.sizeOf(room) >= size;
    const bare = (room: number) => this.sizeOf(room) === 0;
    for (const fits of [large, bare, () => true]) {
      for (let room = 0; room < this.count; room++) {
        if (!fits(room)) continue;
        const taken = this.tryTake(room, participant);
        if (taken === undefined) continue;
        const done = () => this.unmark(room, taken);
        try {
          if (!large(room)) this.furnish(room, allocate(size));
        } catch (error) {
          done();
          throw error;
        }
        const start = this.addressOf(room);
        this.heap.refresh();
        clear(new Int32Array(this.heap.memory.buffer, start, cleared / 4));
        return { start, done };
      }
    }
    throw new RangeError("all rooms of the set are in use");
  }

  /** The memory of all rooms, once no thread uses the set any more. */
  all(): { readonly start: number; readonly bytes: number }[] {
    return Array.from({ length: this.count }, (_, room) => {
      return { start: this.addressOf(room), bytes: this.sizeOf(room) };
    }).filter(({ bytes }) => bytes > 0);
  }

  /** Returns the STATE with which the room is now marked; undefined if it is not free. */
  private tryTake(room: number, participant: number): bigint | undefined {
    const state = Atomics.load(this.states, this.wordAt(room, ROOM_STATE) / 2);
    const maker = Number(BigInt.asUintN(32, state)) - 1;
    // An earlier thread of the own number is not inside any more.
    if (maker >= 0 && maker !== participant && this.uses.isInside(maker)) return undefined;
    const address = this.addressOf(room);
    if (address !== 0 && (this.uses.isPresent(address) || this.uses.isUsed(address))) return undefined;
    const next = (((state >> LOWER) + 1n) << LOWER) | BigInt(participant + 1);
    const at = this.wordAt(room, ROOM_STATE) / 2;
    return Atomics.compareExchange(this.states, at, state, next) === state ? next : undefined;
  }

  private unmark(room: number, state: bigint): void {
    const at = this.wordAt(room, ROOM_STATE) / 2;
    Atomics.compareExchange(this.states, at, state, (state >> LOWER) << LOWER);
  }

  private furnish(room: number, { start, bytes }: Pages): void {
    // Without a size, the room counts as bare: if this thread dies here, another furnishes it anew.
    Atomics.store(this.words, this.wordAt(room, ROOM_SIZE), 0);
    Atomics.store(this.words, this.wordAt(room, ROOM_ADDRESS), start);
    Atomics.store(this.words, this.wordAt(room, ROOM_SIZE), bytes);
  }

  private addressOf(room: number): number {
    return Atomics.load(this.words, this.wordAt(room, ROOM_ADDRESS)) >>> 0;
  }

  private sizeOf(room: number): number {
    return Atomics.load(this.words, this.wordAt(room, ROOM_SIZE)) >>> 0;
  }

  /** The index of a word of a room. */
  private wordAt(room: number, word: number): number {
    return (this.at + room * ROOM_BYTES + word) / 4;
  }
}

/** Makes words 0, and touches none that was never used. */
function clear(words: Int32Array): void {
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) words[i] = 0;
}

/** Powers of two: as a set is redefined again and again, its rooms soon have a size that fits. */
function sizeFor(bytes: number): number {
  return Math.max(LEAST_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
}
