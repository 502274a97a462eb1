/** This thread's part in a region that threads share. */
import type { Arena, Heap } from "../core/arena.ts";
import type { Sharing } from "../core/sharing.ts";
import { holdLock } from "../platform/locks.ts";
import type { Entrance } from "./entrance.ts";
import { ASKED, type Handles, LOCKED } from "./handles.ts";
import { foundPlace, type Place, placeAt } from "./place.ts";
import { NO_HANDLE, type Seat } from "./seats.ts";
import { WakeWord } from "./wake-word.ts";

export class Membership implements Sharing {
  readonly wakeWord: WakeWord;
  private readonly place: Place;
  private readonly seat: Seat;
  /** The handle by which this thread attached. */
  private readonly handle: number;
  /** Where the region was allocated, in the thread that has made it. */
  private readonly arena: Arena | undefined;
  /** Lets go of the lock by which other threads see the end of this one. */
  private unlock: (() => void) | undefined;

  /** The part of the thread that has made the set, in a new region. */
  static found(arena: Arena, start: number, threadId: number): Membership {
    const place = foundPlace(arena, start);
    return new Membership(place, place.seats.found(threadId), NO_HANDLE, arena);
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
      seats.note(seat, threadId);
      const membership = new Membership(place, seat, handle, undefined);
      membership.act((own) => membership.giveBack(own, own));
      // Looked at again: a reclaim that voided the handle meanwhile may have missed the seat.
      if (!handles.isGood(handle)) {
        membership.leave();
        return "void";
      }
      handles.attended(handle);
      return membership;
    } finally {
      entrance.exit();
    }
  }

  private constructor(place: Place, seat: Seat, handle: number, arena: Arena | undefined) {
    this.place = place;
    this.seat = seat;
    this.handle = handle;
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

  enter(): boolean {
    return this.place.seats.enter(this.seat);
  }

  exit(): void {
    this.place.seats.exit(this.seat);
  }

  /** A new handle, by its number; undefined if too many are out. A handle that `isPosted` to a worker ends with this thread. */
  issue(isPosted: boolean): number | undefined {
    const { handles, seats } = this.place;
    return handles.issue(isPosted ? { handle: this.handle, threadId: seats.threadOf(this.seat) } : undefined);
  }

  withdraw(since: number): void {
    this.act((own) => this.giveBack(own, own, since));
  }

  leave(): void {
    const { seats } = this.place;
    this.wakeWord.rest();
    const isPresent = this.act((own) => this.giveBack(own, own));
    if (!isPresent || !seats.free(this.seat)) seats.forget(this.seat);
    this.unlock?.();
  }

  /**
   * Gives back all that threads hold which have attached by `handle`, and the threads that those have posted handles to; and
   * voids these handles. Where it is known that a worker has ended, `ended` is its thread. It works also when this
   * thread has left: others may still take part.
   */
  reclaim(handle: number, ended?: number): void {
    this.inside(() => {
      const { seats } = this.place;
      const taken = seats.takenBy(handle);
      const known = ended === undefined ? [] : taken.filter((seat) => this.hasEnded(seat, ended, taken));
      this.endAll(handle);
      for (const seat of known) seats.forget(seat);
    });
  }

  /** The same for one thread of the platform, by whatever handle it attached. */
  reclaimThread(threadId: number): void {
    this.inside(() => {
      const { seats, handles } = this.place;
      for (const seat of seats.takenIn(threadId)) seats.end(seat);
      for (const posted of handles.postedIn(threadId)) this.endAll(posted);
    });
  }

  /** Holds a lock until this thread leaves or ends, and says in the region how far it has come. */
  lock(name: string, handle: number): void {
    const { handles } = this.place;
    const guard = (how: typeof ASKED | typeof LOCKED) => this.act(() => handles.guard(handle, how));
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
    // Some thread may still look at its seat: then the seats stay as they are for ever.
    if (seats.areForgotten) this.arena?.free(seats.start, seats.bytes);
    return true;
  }

  /** Does something in the name of this thread's seat. False, and nothing is done, if this thread has been reclaimed. */
  private act(action: (own: Seat) => void): boolean {
    if (!this.enter()) return false;
    try {
      action(this.seat);
    } finally {
      this.exit();
    }
    return true;
  }

  /**
   * Ends lives, and gives back what ended seats hold: in the name of this thread's seat, or if it has left of a number that
   * is free. Does nothing if the region is gone.
   */
  private inside(end: () => void): void {
    const { entrance, seats } = this.place;
    if (!entrance.enter()) return;
    try {
      end();
      if (this.act((own) => this.sweep(own))) return;
      const guest = seats.take(NO_HANDLE);
      // With no free number, an ended thread is in the middle of a transaction: the next thread to attach gives back for it.
      if (!guest || !seats.enter(guest)) return;
      this.giveBack(guest, guest);
      this.sweep(guest);
      seats.exit(guest);
      seats.free(guest);
    } finally {
      entrance.exit();
    }
  }

  private endAll(handle: number): void {
    const { seats, handles } = this.place;
    handles.void(handle);
    for (const seat of seats.takenBy(handle)) seats.end(seat);
    for (const posted of handles.postedBy(handle)) this.endAll(posted);
  }

  /** Whether a seat is that of a worker whose thread has ended. Browsers do not number threads; there it has to be the only one. */
  private hasEnded(seat: Seat, ended: number, taken: readonly Seat[]): boolean {
    const threadId = this.place.seats.threadOf(seat);
    return threadId >= 0 && ended >= 0 ? threadId === ended : taken.length === 1;
  }

  /** Gives back what ended seats still hold. */
  private sweep(own: Seat): void {
    const { seats } = this.place;
    for (const seat of seats.ended()) {
      this.giveBack(own, seat);
      seats.vacate(seat);
    }
  }

  /** Gives back what a seat holds and withdraws its claims; with `since`, only the claim of the waiter that came then. */
  private giveBack(own: Seat, { participant, life }: Seat, since = 0): void {
    const { heap, start } = this.place;
    const { core } = heap;
    core.leave(start, core.scratchOf(start, own.participant), participant, life, since);
  }
}
