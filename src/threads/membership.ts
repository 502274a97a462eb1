/** This thread's part in a region that threads share. */
import { SERIAL } from "../../assembly/layout.ts";
import type { Arena, Heap } from "../core/arena.ts";
import type { Sharing } from "../core/sharing.ts";
import { holdLock } from "../platform/locks.ts";
import { Entrance } from "./entrance.ts";
import { Handles, LOCKED, LOCKING } from "./handles.ts";
import { NO_HANDLE, type Seat, Seats } from "./seats.ts";
import { WakeWord } from "./wake-word.ts";

/** A shared region and its parts that concern threads. */
interface Place {
  readonly heap: Heap;
  readonly start: number;
  readonly entrance: Entrance;
  readonly seats: Seats;
  readonly handles: Handles;
}

export class Membership implements Sharing {
  readonly wakeWord: WakeWord;
  private readonly place: Place;
  private readonly seat: Seat;
  /** The arena that allocated the region, in the thread that made the region; undefined in others. */
  private readonly arena: Arena | undefined;
  /** Releases the lock by which other threads see the end of this one. */
  private unlock: (() => void) | undefined;

  /** Makes the part of the thread that shares the set, in a new region. */
  static found(arena: Arena, start: number): Membership {
    // The word comes first, since its allocation may grow the memory.
    const at = arena.takeWord();
    const { buffer } = arena.memory;
    const entrance = Entrance.found(buffer, at);
    new Int32Array(buffer, start)[SERIAL / 4] = entrance.serial;
    const place = placeAt(arena, start, entrance);
    return new Membership(place, place.seats.found(), arena);
  }

  /**
   * Makes the part of a thread that attaches by `handle`. Returns `"void"` if the handle is not good, `"gone"` if the region is
   * gone, and the number of seats for threads if all of them are taken.
   */
  static join(
    heap: Heap,
    start: number,
    entrance: Entrance,
    handle: number,
    threadId: number,
  ): Membership | "void" | "gone" | { readonly maxThreads: number } {
    if (!entrance.enter()) return "gone";
    try {
      const place = placeAt(heap, start, entrance);
      const { handles, seats } = place;
      if (!handles.isGood(handle)) return "void";
      const seat = seats.take(handle);
      if (!seat) return { maxThreads: seats.count - 1 };
      // Checked again, since a reclaim that voided the handle meanwhile may have missed the seat.
      if (!handles.isGood(handle)) {
        seats.free(seat);
        return "void";
      }
      seats.note(seat, threadId);
      handles.attended(handle);
      return new Membership(place, seat, undefined);
    } finally {
      entrance.exit();
    }
  }

  private constructor(place: Place, seat: Seat, arena: Arena | undefined) {
    this.place = place;
    this.seat = seat;
    this.arena = arena;
    this.wakeWord = new WakeWord(place.heap.memory.buffer, place.start);
  }

  get participant(): number {
    return this.seat.participant;
  }

  get life(): number {
    return this.seat.life;
  }

  /** How many threads can be attached at once, besides the one that made the set. */
  get maxThreads(): number {
    return this.place.seats.count - 1;
  }

  get entrance(): Entrance {
    return this.place.entrance;
  }

  get handles(): Handles {
    return this.place.handles;
  }

  /**
   * Issues a handle, and returns its number; undefined if too many are out. A handle that `isPosted` to a worker ends with this
   * thread.
   */
  issue(isPosted: boolean): number | undefined {
    return this.place.handles.issue(isPosted ? this.seat : undefined);
  }

  withdraw(since: number): void {
    this.inside(() => this.giveUp(this.seat, this.seat, since));
  }

  leave(): void {
    this.wakeWord.rest();
    this.inside(() => {
      this.giveUp(this.seat, this.seat, 0);
      this.place.seats.free(this.seat);
    });
    this.unlock?.();
  }

  /**
   * Voids `handle`, and gives back the holdings and the seats of the threads that attached by it, and those of the workers to
   * which these threads posted handles. With `threadId` it concerns that thread alone, and the handle stays good. It also works
   * after this thread has left, since other threads may still take part.
   */
  reclaim(handle: number, threadId?: number): void {
    const { seats } = this.place;
    this.inside(() => {
      const isPresent = seats.isPresent(this.seat);
      const own = isPresent ? this.seat : seats.take(NO_HANDLE);
      // Where no seat is free, other threads have them all, and one of these will reclaim.
      if (!own) return;
      this.reclaimAs(own, handle, threadId);
      if (!isPresent) seats.free(own);
    });
  }

  /** Holds a lock until this thread leaves or ends, and notes in the region how far it has come with that. */
  lock(name: string, handle: number): void {
    const { handles } = this.place;
    const guard = (stage: typeof LOCKING | typeof LOCKED) => this.inside(() => handles.guard(handle, stage));
    guard(LOCKING);
    this.unlock = holdLock(name, () => guard(LOCKED));
  }

  abandon(): boolean {
    const { entrance, seats, handles } = this.place;
    const isDeserted = () => seats.areFree && !handles.someAwaited;
    if (!isDeserted() || !entrance.shut()) return false;
    // Checked again, since a thread may have attached in between.
    if (!isDeserted()) {
      entrance.reopen();
      return false;
    }
    this.arena?.giveWord(entrance.at);
    return true;
  }

  /** Runs `action` in the region, unless the region is gone: where it was, a reclaimed thread may find another set. */
  private inside(action: () => void): void {
    const { entrance } = this.place;
    if (!entrance.enter()) return;
    try {
      action();
    } finally {
      entrance.exit();
    }
  }

  private reclaimAs(own: Seat, handle: number, threadId?: number): void {
    const { seats, handles } = this.place;
    if (threadId === undefined) handles.void(handle);
    for (const seat of seats.takenBy(handle, threadId)) {
      this.giveUp(own, seat, 0);
      if (!seats.free(seat)) continue;
      for (const posted of handles.postedBy(seat)) this.reclaimAs(own, posted);
    }
  }

  private giveUp(own: Seat, { participant, life }: Seat, since: number): void {
    const { heap, start } = this.place;
    const { core } = heap;
    core.leave(start, core.scratchOf(start, own.participant), participant, life, since);
  }
}

function placeAt(heap: Heap, start: number, entrance: Entrance): Place {
  const { buffer } = heap.memory;
  return { heap, start, entrance, seats: new Seats(buffer, start), handles: new Handles(buffer, start) };
}
