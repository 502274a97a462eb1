/** The bridge to the WebAssembly core: a region is one set's state there, and its methods call the core with it. */
import { AFTER, COUNTED, INSPECT, PROBE, REPEATS, SETTLE, TAKE, UNITS } from "../../assembly/layout.ts";
import { type Answer, asksForWindow, isBehind, isMoved, isPreliminary, isReclaimed } from "./answer.ts";
import { type Heap, inArena } from "./arena.ts";
import { NO_TIME, timeOf } from "./front.ts";
import type { Definition } from "./kinds.ts";
import { lay } from "./lay.ts";
import { Names, nobodyIn, partitionsOf } from "./names.ts";
import { Naming } from "./naming.ts";
import type { Sharing } from "./sharing.ts";
import type { DimensionPlan } from "./tables.ts";

/** Takes, and counts a refusal: no other try of the same request follows. */
export const TRY: number = TAKE | COUNTED;

/** A name that no partition has. */
const NEVER_SEEN = "\udfff never seen \ud800";

export class Region extends Naming {
  /** A new region in the memory of this isolate, for this thread alone, with partitions if there are `dimensions`. */
  static create(
    definitions: readonly Definition[],
    shared: boolean,
    dimensions: readonly DimensionPlan[] = [],
  ): Region {
    const region = inArena(shared, (arena) => {
      const laid = lay(arena, { definitions, participants: 1 });
      const partitions = partitionsOf(arena, laid, definitions, dimensions);
      return new Region({ heap: arena, ...laid, arena, sharing: undefined, partitions });
    });
    region.keep(definitions);
    return region;
  }

  /** The region that another thread has made at `start` in its memory. If its set was redefined since, `move` has to come next. */
  static attach(heap: Heap, start: number, sharing: Sharing): Region {
    return new Region({ heap, start, bytes: 0, arena: undefined, sharing });
  }

  /** Means no partition; undefined if the limits have none. */
  private get nobody(): Names | undefined {
    const { partitions } = this;
    return partitions && nobodyIn(partitions);
  }

  /** The set's time at a reading of the clock, in microseconds. */
  microsOf(now: number): number {
    return Math.floor(now * 1000 + 0.5) + this.shift;
  }

  /** How many transactions this thread has had to repeat, because other threads published first. */
  get repeats(): number {
    return this.heap.f64[(this.scratch + REPEATS) / 8]!;
  }

  /**
   * Takes `units`, one entry for each limit, from all limits or from none. An entry of 0 leaves its limit out, and all entries are 0
   * but those from `first` until `end`. `action` is TAKE or TRY. An answer that is no grant is to be passed on to `refused`.
   */
  take(units: readonly number[], first: number, end: number, now: number, action: number): Answer {
    // Engines inline the path of a take only while it is small and flat.
    const front = this.front;
    const f64 = front.f64;
    const at = this.units;
    for (let i = first; i < end; i++) f64[at + i] = units[i]!;
    return front.core.transact(this.start, this.scratch, this.life, now, action, 0, first, end) as Answer;
  }

  /** The answer to a `take` that has not granted `units`: another one if something else had to come first. */
  refused(answer: Answer, units: readonly number[], now: number, action: number): Answer {
    return isPreliminary(answer) ? this.goOn(answer, action, units, now, 0) : answer;
  }

  /** Takes as `take` does, by TRY. Each limit has to grant its `demand` first, that of the waiters before; nothing of it is taken. */
  takeBehind(
    units: readonly number[],
    first: number,
    end: number,
    now: number,
    demand: readonly number[] | undefined,
  ): Answer {
    if (demand === undefined) return this.refused(this.take(units, first, end, now, TRY), units, now, TRY);
    const { f64 } = this.front;
    const at = this.units + 2 * this.count;
    for (let i = first; i < end; i++) f64[at + i] = demand[i]!;
    const answer = this.take(units, first, end, now, TRY | AFTER);
    return isPreliminary(answer) ? this.takeSince(units, now, 0, false, demand, TRY) : answer;
  }

  /** Takes as `take` does, in the partitions of `names`. The answer is the last one. */
  takeIn(
    names: Names,
    units: readonly number[],
    first: number,
    end: number,
    now: number,
    action: number,
  ): Answer {
    const { f64 } = this.front;
    const at = this.units;
    for (let i = first; i < end; i++) f64[at + i] = units[i]!;
    const answer = this.transactPer(names, action, now, 0, first, end);
    const { partitions } = this.place;
    if (partitions?.areRemembered) names.remember(partitions.takenNode);
    return isPreliminary(answer) ? this.goOn(answer, action, units, now, 0, names) : answer;
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
    action: number = TAKE,
    names?: Names,
  ): Answer {
    return this.transact(this.behind(action, demand), units, now, isNested ? -since : since, names);
  }

  /** Answers as `takeSince` does, and takes nothing. */
  probe(units: readonly number[], now: number, demand?: readonly number[], names?: Names): Answer {
    return this.transact(this.behind(PROBE, demand), units, now, 0, names);
  }

  /**
   * Settles the acquisition `token`: gives back the negative units of `due`, and charges the positive ones. Only a charge
   * needs `now`: without one it may be `NO_TIME`.
   */
  settle(due: readonly number[], now: number, token: number, names?: Names): Answer {
    if (this.calendars !== undefined) this.prepareCharge(due, now, names);
    return this.transact(SETTLE, due, now, token, names);
  }

  /** Settles as `settle` does, where nothing is charged, and no partition is named. */
  giveBack(due: readonly number[], token: number): Answer {
    const front = this.front;
    const f64 = front.f64;
    const at = this.units;
    for (let i = 0; i < due.length; i++) f64[at + i] = due[i]!;
    // Without a reading, the core has nothing to ask for first.
    return front.core.transact(this.start, this.scratch, this.life, NO_TIME, SETTLE, token, 0, 0) as Answer;
  }

  /** The core asks for no window when it settles, so that it has to be asked first. */
  private prepareCharge(due: readonly number[], now: number, names: Names | undefined): void {
    if (this.calendars?.some((calendar, i) => calendar && due[i]! > 0)) this.inspect(now, undefined, names);
  }

  /**
   * Reads all limits at one moment, for `usedOf` and `waitOf`. Limits with partitions that are not named are as for a name that was never
   * seen.
   */
  inspect(now: number, demand?: readonly number[], names = this.nobody): Answer {
    return this.transact(this.behind(INSPECT, demand), [], now, 0, names);
  }

  /** The same, for `reportOf` too. */
  report(now: number, demand?: readonly number[], names = this.nobody): Answer {
    return this.transact(this.behind(INSPECT | COUNTED, demand), [], now, 0, names);
  }

  /**
   * Changes the limits whose `units` are not below 0: see `change` of the core. Of limits with partitions it changes those of `names`; all
   * partitions, if none is named.
   */
  change(action: number, units: readonly number[], now: number, names = this.nobody): Answer {
    const answer = this.inside(
      () => {
        this.heap.f64.set(units, (this.scratch + UNITS) / 8);
        const time = timeOf(now, this.shift);
        const { start, scratch, life } = this;
        const { core } = this.heap;
        const { partitions } = this.place;
        const named = this.partitions;
        if (names === undefined || named === undefined) {
          return core.change(start, scratch, life, time, action) as Answer;
        }
        names.tell(named);
        const answer = core.changePer(named.start, start, scratch, life, time, action) as Answer;
        return partitions ? partitions.noted(names.hashes, TAKE, answer) : answer;
      },
      (why) => why,
    );
    return isBehind(answer) ? this.change(action, units, this.readAgain(now), names) : answer;
  }

  /** Whether names of a dimension that were never seen share a state, and others have taken from it. */
  areSharing(dimension: number, now: number): boolean {
    const { partitions } = this;
    if (!partitions?.isShared(dimension)) return false;
    // It may have recovered since that was looked at.
    const hashes = Array.from({ length: partitions.dimensions }, (_, i) =>
      i === dimension ? partitions.hash(NEVER_SEEN) : undefined,
    );
    const answer = this.inspect(now, undefined, new Names(hashes, 0));
    return isMoved(answer) || isReclaimed(answer) || ((this.sharedTaken >> dimension) & 1) === 1;
  }

  /**
   * Notes whether requests wait for the partition of a dimension that `names` has: it keeps its place then. Returns true, and does nothing, if
   * another thread has redefined the set.
   */
  noteWaiting(names: Names, dimension: number, isWaitedFor: boolean): boolean {
    const { partitions, start, scratch, life } = this;
    if (partitions === undefined) return false;
    const { desks } = this.sharing ?? {};
    return this.inside(() => {
      names.tell(partitions);
      if (desks) desks.wait(start, scratch, life, dimension, isWaitedFor);
      else this.heap.core.waitPer(partitions.start, start, scratch, dimension, isWaitedFor);
      return false;
    }, isMoved);
  }

  /** All waiters of this thread have noted anew for which partitions they wait, since the set has been redefined. */
  arrived(): void {
    const { desks } = this.sharing ?? {};
    if (this.partitions)
      this.inside(
        () => desks?.arrive(this.start, this.scratch, this.life),
        () => {},
      );
  }

  /** Counts a request that wanted `units`, and ended without a grant: as REFUSED, TIMED_OUT or ABORTED. */
  countEnd(word: number, units: readonly number[]): void {
    this.inside(
      () => {
        this.heap.f64.set(units, (this.scratch + UNITS) / 8);
        this.heap.core.countEnd(this.start, this.scratch, word);
      },
      () => {},
    );
  }

  /** Lays down the demand of a request, if there is any. Returns the action with the flag that says so. */
  private behind(action: number, demand: readonly number[] | undefined): number {
    if (demand === undefined) return action;
    const { f64 } = this.front;
    const at = this.units + 2 * this.count;
    for (let i = 0; i < demand.length; i++) f64[at + i] = demand[i]!;
    return action | AFTER;
  }

  private transact(
    action: number,
    units: readonly number[],
    now: number,
    since: number,
    names?: Names,
  ): Answer {
    const front = this.front;
    const f64 = front.f64;
    const at = this.units;
    for (let i = 0; i < units.length; i++) f64[at + i] = units[i]!;
    const { start, scratch, life } = this;
    const answer =
      names === undefined
        ? (front.core.transact(start, scratch, life, now, action, since, 0, 0) as Answer)
        : this.transactPer(names, action, now, since, 0, 0);
    return isPreliminary(answer) ? this.goOn(answer, action, units, now, since, names) : answer;
  }

  /** Does what has to come first, and then the transaction. */
  private goOn(
    answer: Answer,
    action: number,
    units: readonly number[],
    now: number,
    since: number,
    names?: Names,
  ): Answer {
    if (!asksForWindow(answer)) return this.transact(action, units, this.readAgain(now), since, names);
    this.tellWindow(this.refuser, this.waitOf(this.refuser));
    return this.transact(action, units, now, since, names);
  }

  /**
   * The state is ahead of the reading `now`. Another thread may have noticed that the machine slept, so the clock is looked at
   * anew. If its reading is still behind, the difference is added to it from now on.
   */
  private readAgain(now: number): number {
    const reading = this.clock?.lookAgain() ?? now;
    this.corrected(reading, 0, 0);
    return reading;
  }
}
