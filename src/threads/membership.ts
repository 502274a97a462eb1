/** This thread's part in a region that threads share. */
import { SERIAL } from "../../assembly/layout.ts";
import type { Arena, Heap } from "../core/arena.ts";
import type { Sharing } from "../core/sharing.ts";
import { holdLock } from "../platform/locks.ts";
import { Entrance } from "./entrance.ts";
import { ASKED, Handles, LOCKED } from "./handles.ts";
import { NO_HANDLE, type Seat, Seats } from "./seats.ts";
import { WakeWord } from "./wake-word.ts";

/** A shared region, as threads see it. */
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
  /** Where the region was allocated, in the thread that has made it. */
  private readonly arena: Arena | undefined;
  /** Lets go of the lock by which other threads see the end of this one. */
  private unlock: (() => void) | undefined;

  /** The part of the thread that has made the set, in a new region. */
  static found(arena: Arena, start: number): Membership {
    // The word first: to allocate it may grow the memory.
    const at = arena.takeWord();
    const { buffer } = arena.memory;
    const entrance = Entrance.found(buffer, at);
    new Int32Array(buffer, start)[SERIAL / 4] = entrance.serial;
    const place = placeAt(arena, start, entrance);
    return new Membership(place, place.seats.found(), arena);
  }

  /**
   * The part of a thread that attaches by `handle`. `"void"` if the handle is not good, `"gone"` if the region is no more, and
   * if all seats are taken how many there are.
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
      // Looked at again: a reclaim that voided the handle meanwhile may have missed the seat.
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

  /** How many threads can attach, besides the one that has made the set. */
  get maxThreads(): number {
    return this.place.seats.count - 1;
  }

  get entrance(): Entrance {
    return this.place.entrance;
  }

  get handles(): Handles {
    return this.place.handles;
  }

  /** A new handle, by its number; undefined if too many are out. One that `isPosted` to a worker ends with this thread. */
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
   * Gives back all that the threads hold that have attached by `handle`, and that theirs hold, with their numbers; and voids
   * the handle. With `threadId` only that thread's. It works also when this thread has left already: others may still take part.
   */
  reclaim(handle: number, threadId?: number): void {
    const { seats } = this.place;
    this.inside(() => {
      const isPresent = seats.isPresent(this.seat);
      const own = isPresent ? this.seat : seats.take(NO_HANDLE);
      // With no number free at all no thread has left: another one will reclaim.
      if (!own) return;
      this.reclaimAs(own, handle, threadId);
      if (!isPresent) seats.free(own);
    });
  }

  /** Holds a lock until this thread leaves or ends, and says in the region how far it has come. */
  lock(name: string, handle: number): void {
    const { handles } = this.place;
    const guard = (how: typeof ASKED | typeof LOCKED) => this.inside(() => handles.guard(handle, how));
    guard(ASKED);
    this.unlock = holdLock(name, () => guard(LOCKED));
  }

  abandon(): boolean {
    const { entrance, seats, handles } = this.place;
    const isDeserted = () => seats.areFree && !handles.someAwaited;
    if (!isDeserted() || !entrance.shut()) return false;
    // Looked at again: a thread may have come in between.
    if (!isDeserted()) {
      entrance.reopen();
      return false;
    }
    this.arena?.giveWord(entrance.at);
    return true;
  }

  /** Does something in the region, unless it is gone: a thread that was reclaimed may find another set there. */
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
