/** Where a set lives: a region in the core's memory, this thread's part in it, and the moves from one region to the next. */
import { HEAD, LIMIT_FLAGS, LIMITS, NUMBER, SHADOW, TOLD_END, UNITS, WEIGHT } from "../../assembly/layout.ts";
import { ENTRANCE_BYTES, SEAT_BYTES } from "../../assembly/seat.ts";
import type { Follower, SetClock } from "../platform/set-clock.ts";
import { type Answer, isGranted, isMoved, isReclaimed, MOVED, RECLAIMED } from "./answer.ts";
import type { Arena, Heap } from "./arena.ts";
import { type Address, wordOfDefinition } from "./block.ts";
import type { Before, Desks } from "./desks.ts";
import { FIRST_UNIT, type Front, type SharedFront, sharedFront, shiftedFront } from "./front.ts";
import { MODES } from "./inherit.ts";
import type { Calendar, Definition, Window } from "./kinds.ts";
import { copyState, type Laid, lay, type Plan, type Shape, shapeOf } from "./lay.ts";
import type { NamedPartitions } from "./named-partitions.ts";
import { layNext, type SharedPlan, writeTime } from "./next.ts";
import { PASSED_AT_ONCE, type Partitions } from "./partitions.ts";
import type { Sharing } from "./sharing.ts";
import { type NextPlan, succeed } from "./succession.ts";
import { abandoned, giveBack, type Place } from "./tenancy.ts";
import { readText } from "./text.ts";

export abstract class Residence implements Follower {
  protected place!: Place;
  protected heap!: Heap;
  /** The region that has the present block, as far as this thread knows; and its number. */
  protected start!: number;
  protected number!: number;
  protected scratch!: number;
  /** The life of this thread's participant number; 0 in a region of one participant. */
  protected life!: number;
  /** By how many microseconds this thread's part of the set's time is ahead of the readings. */
  protected shift = 0;
  /** By how many microseconds that part is ahead of the wall clock. */
  protected ahead = 0;
  /** A correction that came while this region was not the present one any more. */
  protected late: { now: number; shift: number; ahead: number } | undefined;
  protected front!: Front;
  /** The address of the partitions, where this thread alone has them; else 0. */
  protected per = 0;
  /** That of a region that threads share, without corrections of this thread's time. */
  protected sharedFront: SharedFront | undefined;
  /** The index of UNITS in the view of the front. */
  protected units!: number;
  protected count!: number;
  /** For each limit, the calendar of its windows; undefined if none has one. */
  protected calendars: readonly (Calendar | undefined)[] | undefined;
  /** The clock whose readings are passed to this region's methods, if it is known. */
  protected clock: SetClock | undefined;

  protected constructor(place: Place) {
    this.occupy(place);
  }

  /** The partitions of the limits, if they have any. */
  get partitions(): NamedPartitions | undefined {
    return this.place.desk ?? this.place.partitions;
  }

  /** The same, where no other thread takes part in the region. */
  get ownPartitions(): Partitions | undefined {
    return this.place.partitions;
  }

  /** This thread's part in a shared region; undefined while the set is not shared. */
  get sharing(): Sharing | undefined {
    return this.place.sharing;
  }

  /** The address of the region that has the head. */
  get home(): number {
    return this.place.start;
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

  /** Differs after every change of the state. It is compared, and never used as a number. */
  get version(): number {
    return this.heap.f64[(this.place.start + HEAD) / 8]!;
  }

  /**
   * Moves to a region with room for several participants, of which this thread is the first. `join` makes this thread's part in that
   * region, at `start`; the way into it is at `entrance`. Partitions go over to the desks that `seatAll` makes.
   */
  widen(
    plan: Plan,
    join: (arena: Arena, start: number, entrance: number) => Sharing,
    seatAll?: (arena: Arena, start: number, parts: Pick<Shape, "states" | "logs">, before: Before) => Desks,
  ): void {
    const { definitions, participants } = plan;
    const { heap, start, bytes, partitions } = this.place;
    const arena = this.place.arena!;
    const lasting = ENTRANCE_BYTES + participants * SEAT_BYTES;
    const entrance = arena.takeLasting(lasting);
    let wide: Laid;
    try {
      wide = lay(arena, plan, entrance + ENTRANCE_BYTES);
    } catch (error) {
      arena.giveLasting(entrance, lasting);
      throw error;
    }
    const { buffer } = arena.memory;
    copyState(heap.core, definitions, { buffer, start }, { buffer, start: wide.start });
    let desks: Desks | undefined;
    try {
      partitions?.finish(start, this.scratch);
      desks = partitions && seatAll!(arena, wide.start, shapeOf(heap.core, plan), { partitions, start });
    } catch (error) {
      arena.free(wide.start, wide.bytes);
      arena.giveLasting(entrance, lasting);
      throw error;
    }
    const sharing = join(arena, wide.start, entrance);
    partitions?.free();
    arena.free(start, bytes);
    abandoned.unregister(this);
    this.occupy({ heap: sharing.heap, ...wide, arena, sharing, desks });
  }

  /** Whether another thread has redefined the set, so that `move` has to come next. */
  get isPast(): boolean {
    return this.inside(() => false, isMoved);
  }

  /** Moves on to the present region of a set that threads share. Returns the text of its definitions; undefined if this thread was reclaimed. */
  move(): string | undefined {
    const sharing = this.place.sharing!;
    if (!sharing.enter()) return undefined;
    let text: string;
    try {
      this.moveTo(sharing.present());
      text = readText(this.address);
    } finally {
      sharing.exit();
    }
    const { late } = this;
    this.late = undefined;
    if (late) this.corrected(late.now, late.shift, late.ahead);
    return text;
  }

  /** Moves to a region with other definitions, which inherits the state as it is at the reading `now`. No other thread takes part in it. */
  redefineAlone(plan: NextPlan, now: number): void {
    const { heap } = this.place;
    const arena = this.place.arena!;
    const next = succeed(arena, this.place, plan, Math.floor(now * 1000 + 0.5) + this.shift);
    abandoned.unregister(this);
    this.occupy({ heap, ...next, arena, sharing: undefined });
    this.keep(plan.definitions);
  }

  /**
   * Redefines a set that threads share, at the reading `now`, and moves on to its new region: see `redefine` of the core. Returns MOVED,
   * and does nothing, if another thread was first.
   */
  redefineShared(plan: SharedPlan, now: number): Answer {
    const { heap, start, scratch, life, number, shift, ahead } = this;
    const sharing = this.place.sharing!;
    return this.inside(
      () => {
        const room = layNext(heap, sharing, { start, number, shift, ahead }, plan);
        try {
          const mode = MODES[plan.mode];
          const answer = heap.core.redefine(start, scratch, life, room.start, now, mode) as Answer;
          if (isGranted(answer)) {
            // Also where yet another redefinition has followed: the caller knows only these definitions.
            sharing.adopt(room.start);
            this.moveTo(room.start);
            this.keep(plan.definitions);
            if (this.place.desk) sharing.desks.pass(this.start, this.scratch, life, PASSED_AT_ONCE);
          }
          return answer;
        } finally {
          room.done();
        }
      },
      (why) => why,
    );
  }

  /** Goes by the calendars of these definitions, which are those of the region. */
  keep(definitions: readonly Definition[]): void {
    const calendars = definitions.map(({ calendar }) => calendar);
    this.calendars = calendars.some((calendar) => calendar !== undefined) ? calendars : undefined;
  }

  /** The window of the calendar of limit `index` at the reading `now`; undefined if it has none. */
  windowAt(index: number, now: number): Window | undefined {
    return this.calendars?.[index]?.windowAt(Math.floor(now * 1000 + 0.5) + this.shift - this.ahead);
  }

  /** Goes by the corrections of the clock whose readings it is passed, and by the calendars of the definitions. */
  follow(clock: SetClock, definitions: readonly Definition[]): void {
    this.keep(definitions);
    this.clock = clock;
    clock.tell(this);
  }

  corrected(now: number, shift: number, ahead: number): void {
    const [by, further] = [Math.round(1000 * shift), Math.round(1000 * ahead)];
    const { core } = this.heap;
    const answer = this.inside(
      () => core.correct(this.start, this.scratch, this.life, now, by, further) as Answer,
      (why) => why,
    );
    if (isReclaimed(answer)) return;
    if (isMoved(answer)) {
      const { late } = this;
      this.late = { now, shift: shift + (late?.shift ?? 0), ahead: ahead + (late?.ahead ?? 0) };
      return;
    }
    const { partitions } = this.place;
    if (partitions) core.movePer(partitions.start, this.start, this.scratch);
    this.ahead += answer - this.shift + further;
    this.shift = answer;
    const { f64 } = this.front;
    this.front = this.frontOf(this.place);
    // It may be a request that notices, after it has laid down the demand of the waiters before it.
    if (this.place.sharing) this.front.f64.set(f64);
  }

  /** Leaves the region, and gives its memory back if no other thread is in it. The region must not be used afterwards. */
  close(): void {
    this.clock?.tell(undefined);
    abandoned.unregister(this);
    giveBack(this.place);
  }

  /** Tells the core the window of limit `index` that has the moment `at` of the wall clock, in microseconds. */
  protected tellWindow(index: number, at: number): void {
    const { start, end } = this.calendars![index]!.windowAt(at);
    const { f64 } = this.heap;
    const write = () => {
      const told = this.scratch + wordOfDefinition(this.address, index, WEIGHT);
      f64[told / 8] = start;
      f64[(told + TOLD_END) / 8] = end;
    };
    this.inside(write, () => undefined);
  }

  /** Does an action while this thread is inside, and its region is the present one. Otherwise does `otherwise` with the reason. */
  protected inside<T>(action: () => T, otherwise: (why: Answer) => T): T {
    const { sharing } = this.place;
    if (!sharing) return action();
    if (!sharing.enter()) return otherwise(RECLAIMED);
    try {
      return sharing.isPresent(this.number) ? action() : otherwise(MOVED);
    } finally {
      sharing.exit();
    }
  }

  protected occupy(place: Place): void {
    this.place = place;
    this.heap = place.heap;
    this.life = place.sharing?.life ?? 0;
    this.per = place.partitions?.start ?? 0;
    this.settleIn(place.start);
    abandoned.register(this, place, this);
  }

  /** Goes over to another region of the set, with the corrections of this thread's time. This thread is inside. */
  protected moveTo(start: number): void {
    this.settleIn(start);
    writeTime(this.heap, this.scratch, this.shift, this.ahead);
  }

  protected settleIn(start: number): void {
    const { heap, sharing } = this.place;
    // Another thread may have made the region in memory that it has added since this one last looked.
    if (sharing) {
      heap.refresh();
      const desk = sharing.desks.at(start);
      if (desk || this.place.desk) this.place = { ...this.place, desk };
    }
    const words = new Int32Array(heap.memory.buffer, start);
    this.start = start;
    this.number = words[NUMBER / 4]!;
    this.count = words[LIMITS / 4]!;
    // Addresses in the upper half of memory come out of the core as negative numbers.
    this.scratch = heap.core.scratchOf(start, sharing?.participant ?? 0) >>> 0;
    this.front = this.frontOf(this.place);
    this.units = sharing ? FIRST_UNIT : (this.scratch + UNITS) / 8;
  }

  private get hasShadows(): boolean {
    const { address, count } = this;
    for (let i = 0; i < count; i++) if (wordOfDefinition(address, i, LIMIT_FLAGS) & SHADOW) return true;
    return false;
  }

  protected frontOf({ heap, sharing }: Place): Front {
    this.sharedFront = sharing
      ? sharedFront(heap, (this.scratch + UNITS) / 8, this.count, this.number, sharing, this.hasShadows)
      : undefined;
    const front: Front = this.sharedFront ?? heap;
    return this.shift === 0 ? front : shiftedFront(front, this.shift);
  }
}
