/** The bridge to the WebAssembly core: a region is one set's state there, and its methods call the core with it. */
import {
  AFTER,
  CEILING,
  ENTRANCE_BYTES,
  HEAD,
  HELD,
  HELD_BYTES,
  INSPECT,
  KIND,
  LIMITS,
  PROBE,
  REPEATS,
  RESOURCE,
  SEAT_BYTES,
  SETTLE,
  STATE,
  TAKE,
  UNITS,
} from "../../assembly/layout.ts";
import { watchGarbage } from "../platform/garbage.ts";
import type { Follower, SetClock } from "../platform/set-clock.ts";
import { type Answer, isBehind, isGranted } from "./answer.ts";
import { type Arena, arenaFor, type Heap } from "./arena.ts";
import { type Address, definitionAt, presentBlock, wordOfDefinition } from "./block.ts";
import { FIRST_UNIT, type Front, sharedFront, shiftedFront } from "./front.ts";
import type { Definition } from "./kinds.ts";
import { copyState, type Laid, lay } from "./lay.ts";
import type { Sharing } from "./sharing.ts";

/** The memory that a region occupies, with this thread's part in it. Both are given back at the region's end. */
interface Place {
  readonly heap: Heap;
  readonly start: number;
  readonly bytes: number;
  /** The arena that allocated the region; undefined if that is another thread's. */
  readonly arena: Arena | undefined;
  readonly sharing: Sharing | undefined;
}

// A set that is dropped without `close` gives its region back too.
const abandoned = /* @__PURE__ */ watchGarbage<Place>(giveBack);

export class Region implements Follower {
  private place!: Place;
  private heap!: Heap;
  private start!: number;
  private scratch!: number;
  /** The life of this thread's participant number; 0 in a region of one participant. */
  private life!: number;
  /** By how many microseconds this thread's part of the set's time is ahead of the readings. */
  private shift = 0;
  private front!: Front;
  /** The index of UNITS in the view of the front. */
  private units!: number;
  private count!: number;
  /** The clock whose readings are passed to this region's methods, if it is known. */
  private clock: SetClock | undefined;

  /** A new region in the memory of this isolate, for this thread alone. */
  static create(definitions: readonly Definition[], shared: boolean): Region {
    const arena = arenaFor(shared);
    return new Region({ heap: arena, ...lay(arena, definitions, 1), arena, sharing: undefined });
  }

  /** The region that another thread has made at `start` in its memory. */
  static attach(heap: Heap, start: number, sharing: Sharing): Region {
    return new Region({ heap, start, bytes: 0, arena: undefined, sharing });
  }

  private constructor(place: Place) {
    this.occupy(place);
  }

  /** This thread's part in a shared region; undefined while the set is not shared. */
  get sharing(): Sharing | undefined {
    return this.place.sharing;
  }

  /** Where the region is. */
  get address(): Address {
    return { buffer: this.heap.memory.buffer, start: this.start };
  }

  get memory(): WebAssembly.Memory {
    return this.heap.memory;
  }

  /** Whether the memory can be shared with threads. */
  get isSharable(): boolean {
    return this.heap.shared;
  }

  /** The set's time at a reading of the clock, in microseconds. */
  microsOf(now: number): number {
    return Math.floor(now * 1000 + 0.5) + this.shift;
  }

  /** Differs after every change of the state. It is compared, and never used as a number. */
  get version(): number {
    return this.heap.f64[(this.start + HEAD) / 8]!;
  }

  /** How many transactions this thread has had to repeat, because other threads published first. */
  get repeats(): number {
    return this.heap.f64[(this.scratch + REPEATS) / 8]!;
  }

  /** Takes `units`, one entry for each limit, from all limits or from none. An entry of 0 leaves its limit out. */
  take(units: readonly number[], now: number): Answer {
    // Written out, without a call of `transact`: engines inline the path of a take only while it is small and flat.
    const front = this.front;
    const f64 = front.f64;
    const at = this.units;
    for (let i = 0; i < units.length; i++) f64[at + i] = units[i]!;
    const answer = front.core.transact(this.start, this.scratch, this.life, now, TAKE, 0) as Answer;
    return isGranted(answer) || !isBehind(answer) ? answer : this.catchUp(TAKE, units, now, 0);
  }

  /**
   * Takes for a request that came at `since`, in microseconds. Each limit has to grant its `demand` first, that of the waiters
   * before the request; nothing of it is taken. A nested request passes the claims that await a release.
   */
  takeSince(
    units: readonly number[],
    now: number,
    since: number,
    isNested: boolean,
    demand?: readonly number[],
  ): Answer {
    return this.transact(this.behind(TAKE, demand), units, now, isNested ? -since : since);
  }

  /** Answers as `takeSince` does, and takes nothing. */
  probe(units: readonly number[], now: number, demand?: readonly number[]): Answer {
    return this.transact(this.behind(PROBE, demand), units, now, 0);
  }

  /**
   * Settles the acquisition `token`: gives back the negative units of `due`, and charges the positive ones. Only a charge
   * needs `now`: without one it may be `NO_TIME`.
   */
  settle(due: readonly number[], now: number, token: number): void {
    this.transact(SETTLE, due, now, token);
  }

  /** Reads all limits at one moment, for `usedOf` and `waitOf`. */
  inspect(now: number, demand?: readonly number[]): Answer {
    return this.transact(this.behind(INSPECT, demand), [], now, 0);
  }

  /** The demand that a waiter for `units` of limit `index` makes. */
  demandOf(index: number, units: number): number {
    return this.heap.core.demandOf(this.start, index, units);
  }

  /** Whether limit `index` refused the last take or probe. */
  refuses(index: number): boolean {
    return this.waitOf(index) !== 0;
  }

  /** The limit that alone refused the last take or probe; below 0 if several did. */
  get refuser(): number {
    return this.read(0);
  }

  /** How long limit `index` refuses the last take or probe, or one unit after `inspect`, in milliseconds: 0 if it grants. */
  waitOf(index: number): number {
    return this.read(FIRST_UNIT + this.count + index);
  }

  /** After `inspect`: the units of limit `index` in use. */
  usedOf(index: number): number {
    return this.read(FIRST_UNIT + index);
  }

  /**
   * Whether a request would be refused even if all other threads gave back what they hold.
   *
   * Other threads may overwrite the block meanwhile, and that does no harm: the own holdings are the same in each block that was
   * published since this thread changed them last, and are copied unchanged into the next. Only a reclaim changes them, to 0.
   */
  hangsOnSelf(units: readonly number[]): boolean {
    const { sharing } = this.place;
    // The region may be gone, and its memory another set's, if this thread has been reclaimed.
    if (sharing && !sharing.enter()) return false;
    try {
      return this.exceedsAlone(units, sharing?.participant ?? 0);
    } finally {
      sharing?.exit();
    }
  }

  private exceedsAlone(units: readonly number[], participant: number): boolean {
    const { address } = this;
    const view = new DataView(address.buffer);
    const long = (at: number) => Number(view.getBigInt64(at, true));
    const block = presentBlock(address);
    return units.some((count, i) => {
      const word = (at: number) => wordOfDefinition(address, i, at);
      if (count === 0 || word(KIND) !== RESOURCE) return false;
      const held = long(block + word(STATE) + HELD + participant * HELD_BYTES);
      return held + count > long(definitionAt(address, i) + CEILING);
    });
  }

  /**
   * Moves to a region with room for `participants` participants, of which this thread is the first. `join` makes this
   * thread's part in that region, at `start`; the way into it is at `entrance`.
   */
  widen(
    definitions: readonly Definition[],
    participants: number,
    join: (arena: Arena, start: number, entrance: number) => Sharing,
  ): void {
    const { heap, start, bytes } = this.place;
    const arena = this.place.arena!;
    const lasting = ENTRANCE_BYTES + participants * SEAT_BYTES;
    const entrance = arena.takeLasting(lasting);
    let wide: Laid;
    try {
      wide = lay(arena, definitions, participants, entrance + ENTRANCE_BYTES);
    } catch (error) {
      arena.giveLasting(entrance, lasting);
      throw error;
    }
    const { buffer } = arena.memory;
    copyState(heap.core, definitions, { buffer, start }, { buffer, start: wide.start });
    const sharing = join(arena, wide.start, entrance);
    arena.free(start, bytes);
    abandoned.unregister(this);
    this.occupy({ heap, ...wide, arena, sharing });
  }

  /** Goes by the corrections of the clock whose readings it is passed. */
  follow(clock: SetClock): void {
    this.clock = clock;
    clock.tell(this);
  }

  corrected(now: number, shift: number, ahead: number): void {
    const { sharing } = this.place;
    if (sharing && !sharing.enter()) return;
    try {
      const { core } = this.heap;
      const [by, further] = [Math.round(1000 * shift), Math.round(1000 * ahead)];
      this.shift = core.correct(this.start, this.scratch, this.life, now, by, further);
      this.front = this.frontOf(this.place);
    } finally {
      sharing?.exit();
    }
  }

  /** Leaves the region, and gives its memory back if no other thread is in it. The region must not be used afterwards. */
  close(): void {
    this.clock?.tell(undefined);
    abandoned.unregister(this);
    giveBack(this.place);
  }

  /** Lays down the demand of a request, if there is any. Returns the action with the flag that says so. */
  private behind(action: number, demand: readonly number[] | undefined): number {
    if (demand === undefined) return action;
    const { f64 } = this.front;
    const at = this.units + 2 * this.count;
    for (let i = 0; i < demand.length; i++) f64[at + i] = demand[i]!;
    return action | AFTER;
  }

  private transact(action: number, units: readonly number[], now: number, since: number): Answer {
    const front = this.front;
    const f64 = front.f64;
    const at = this.units;
    for (let i = 0; i < units.length; i++) f64[at + i] = units[i]!;
    const answer = front.core.transact(this.start, this.scratch, this.life, now, action, since) as Answer;
    return isBehind(answer) ? this.catchUp(action, units, now, since) : answer;
  }

  /**
   * The state is ahead of the reading `now`. Another thread may have noticed that the machine slept, so the clock is looked at
   * anew. If its reading is still behind, the difference is added to it from now on.
   */
  private catchUp(action: number, units: readonly number[], now: number, since: number): Answer {
    const reading = this.clock?.lookAgain() ?? now;
    this.corrected(reading, 0, 0);
    return this.transact(action, units, reading, since);
  }

  /** A number of the core's last answer, which begins with REFUSER. */
  private read(at: number): number {
    return this.front.f64[this.units - FIRST_UNIT + at]!;
  }

  private occupy(place: Place): void {
    const { heap, start, sharing } = place;
    this.place = place;
    this.heap = heap;
    this.start = start;
    // Addresses in the upper half of memory come out of the core as negative numbers.
    this.scratch = heap.core.scratchOf(start, sharing?.participant ?? 0) >>> 0;
    this.life = sharing?.life ?? 0;
    this.count = new Int32Array(heap.memory.buffer, start)[LIMITS / 4]!;
    this.front = this.frontOf(place);
    this.units = sharing ? FIRST_UNIT : (this.scratch + UNITS) / 8;
    abandoned.register(this, place, this);
  }

  private frontOf({ heap, sharing }: Place): Front {
    const front = sharing ? sharedFront(heap, (this.scratch + UNITS) / 8, this.count, sharing) : heap;
    return this.shift === 0 ? front : shiftedFront(front, this.shift);
  }
}

function giveBack({ arena, start, bytes, sharing }: Place): void {
  sharing?.leave();
  arena?.retire({ start, bytes, isFree: () => sharing?.abandon() ?? true });
}
