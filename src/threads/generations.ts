/**
 * The generations of a shared set: the regions that follow each other as the set is redefined. The first, its home, has the head, and
 * lasts as long as the set. Each later one lies in a room, which is used again for another when no thread can act on it any more.
 *
 * The head says which region is the present one, since it names a block there. PRESENT says the same a little later, as a number: a
 * thread compares that with the number of its own region after it has entered and before it writes a word there.
 */
import { HEAD, NUMBER, PRESENT, REGION } from "../../assembly/layout.ts";
import { FROM } from "../../assembly/partitions/layout.ts";
import type { Arena, Heap } from "../core/arena.ts";
import { blockOf } from "../core/block.ts";
import { takePages } from "../core/pool.ts";
import type { Room } from "../core/sharing.ts";
import { Rooms } from "./rooms.ts";
import type { Seat, Seats } from "./seats.ts";

export class Generations {
  private readonly heap: Heap;
  private readonly home: number;
  private readonly seats: Seats;
  private readonly heads: BigInt64Array;
  private words: Int32Array;
  private readonly rooms: Rooms;

  constructor(heap: Heap, home: number, seats: Seats) {
    this.heap = heap;
    this.home = home;
    this.seats = seats;
    this.heads = new BigInt64Array(heap.memory.buffer);
    this.words = new Int32Array(heap.memory.buffer);
    this.rooms = new Rooms(heap, home, {
      isPresent: (address) => this.locate().start === address || this.comesFrom(this.locate().start, address),
      isInside: (participant) => seats.isInside(participant),
      isUsed: (address) => seats.someUse((region) => region === address || this.comesFrom(region, address)),
    });
  }

  /** Whether the region with a number is the present one, as far as PRESENT says. */
  isPresent(number: number): boolean {
    return Atomics.load(this.words, (this.home + PRESENT) / 4) === number;
  }

  /** The address of the present region. Its memory is kept for it while the thread of `seat` is inside. */
  present(seat: Seat): number {
    for (;;) {
      const { start, number } = this.locate();
      // Noted first, and checked after that: a thread that wants the room brings PRESENT beyond it first, and then looks for notes.
      this.seats.use(seat, start);
      if (this.isPresent(number)) return start;
    }
  }

  /** Notes that the thread of `seat` acts on a region that it has just published. */
  adopt(seat: Seat, region: number): void {
    this.seats.use(seat, region);
    this.locate();
  }

  /** Takes a room for a region, in memory of the arena that has made the home, if that is this thread's. */
  takeRoom(bytes: number, cleared: number, participant: number, arena: Arena | undefined): Room {
    const { memory } = this.heap;
    const allocate = (size: number) => arena?.takeRoom(size) ?? takePages(memory, size);
    return this.rooms.take(bytes, cleared, participant, allocate);
  }

  /** Gives back the memory of all rooms, once no thread uses the set any more. */
  giveRooms(arena: Arena): void {
    for (const { start, bytes } of this.rooms.all()) arena.giveRoom(start, bytes);
  }

  /** Finds the present region, and brings PRESENT up to it: the thread that has published it may have died before it did. */
  private locate(): { start: number; number: number } {
    const head = this.home / 8 + HEAD / 8;
    for (;;) {
      const before = Atomics.load(this.heads, head);
      const start = this.word(blockOf(before) + REGION) >>> 0;
      const number = this.word(start + NUMBER);
      // Both are what they should be only if the head has not changed: their memory may be another region's by now.
      if (Atomics.add(this.heads, head, 0n) !== before) continue;
      Atomics.compareExchange(this.words, (this.home + PRESENT) / 4, (number - 1) | 0, number);
      return { start, number };
    }
  }

  /** Whether the partitions of a region come, or have come, from that at `address`. */
  private comesFrom(region: number, address: number): boolean {
    return this.word(region + FROM) >>> 0 === address;
  }

  private word(at: number): number {
    if (at >= this.words.length * 4) {
      this.heap.refresh();
      this.words = new Int32Array(this.heap.memory.buffer);
    }
    return this.words[at / 4] ?? 0;
  }
}
