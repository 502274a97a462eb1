/** This thread's part in a region that threads share. */
import type { Arena, Heap } from "../core/arena.ts";
import type { Sharing } from "../core/sharing.ts";
import { holdLock } from "../platform/locks.ts";
import type { Entrance } from "./entrance.ts";
import { type Handles, LOCKED, LOCKING } from "./handles.ts";
import { foundPlace, type Place, placeAt } from "./place.ts";
import { NO_HANDLE, type Seat } from "./seats.ts";
import { WakeWord } from "./wake-word.ts";

export class Membership implements Sharing {
  readonly wakeWord: WakeWord;
  private readonly place: Place;
  private readonly seat: Seat;
  /** The handle by which this thread attached. */
  private readonly handle: number;
  /** The arena that allocated the region, in the thread that made the region; undefined in others. */
  private readonly arena: Arena | undefined;
  /** Releases the lock by which other threads see the end of this one. */
  private unlock: (() => void) | undefined;

  /** Makes the part of the thread that shares the set, in a new region. */
  static found(arena: Arena, start: number, threadId: number): Membership {
    const place = foundPlace(arena, start);
    return new Membership(place, place.seats.found(threadId), NO_HANDLE, arena);
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
      seats.note(seat, threadId);
      const membership = new Membership(place, seat, handle, undefined);
      membership.act((own) => membership.giveBack(own, own));
      // Checked again, since a reclaim that voided the handle meanwhile may have missed the seat.
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

  enter(): boolean {
    return this.place.seats.enter(this.seat);
  }

  exit(): void {
    this.place.seats.exit(this.seat);
  }

  /**
   * Issues a handle, and returns its number; undefined if too many are out. A handle that `isPosted` to a worker ends with this
   * thread.
   */
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
   * Voids `handle`, and reclaims the threads that attached by it; does the same with the handles that these threads posted to
   * workers of their own. `ended` is the id of a worker's thread that is known to have ended. It also works after this thread
   * has left, since other threads may still take part.
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

  /** Reclaims the thread `threadId`, by whatever handle it attached, and voids the handles that it posted to its workers. */
  reclaimThread(threadId: number): void {
    this.inside(() => {
      const { seats, handles } = this.place;
      for (const seat of seats.takenIn(threadId)) seats.end(seat);
      for (const posted of handles.postedIn(threadId)) this.endAll(posted);
    });
  }

  /** Holds a lock until this thread leaves or ends, and notes in the region how far it has come with that. */
  lock(name: string, handle: number): void {
    const { handles } = this.place;
    const guard = (stage: typeof LOCKING | typeof LOCKED) => this.act(() => handles.guard(handle, stage));
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
    // Where a thread may still look at its seat, the memory of the seats is never used again.
    if (seats.areForgotten) this.arena?.free(seats.start, seats.bytes);
    return true;
  }

  /** Runs `action` in the name of this thread's seat. Returns false, and does nothing, if this thread has been reclaimed. */
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
   * Runs `end`, which ends lives, and gives back what the ended seats hold: in the name of this thread's seat or, if this
   * thread has left, in the name of a free number. Does nothing if the region is gone.
   */
  private inside(end: () => void): void {
    const { entrance, seats } = this.place;
    if (!entrance.enter()) return;
    try {
      end();
      if (this.act((own) => this.sweep(own))) return;
      const guest = seats.take(NO_HANDLE);
      // Where no number is free, an ended thread is in the middle of a transaction. The next thread to attach gives back for it.
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

  /** Whether a seat is that of the thread `ended`. Browsers do not number threads: there it has to be the only one of `taken`. */
  private hasEnded(seat: Seat, ended: number, taken: readonly Seat[]): boolean {
    const threadId = this.place.seats.threadOf(seat);
    return threadId >= 0 && ended >= 0 ? threadId === ended : taken.length === 1;
  }

  /** Gives back all that ended seats still hold. */
  private sweep(own: Seat): void {
    const { seats } = this.place;
    for (const seat of seats.ended()) {
      this.giveBack(own, seat);
      seats.vacate(seat);
    }
  }

  /**
   * Gives back all that a seat holds, and withdraws its claims. With `since`, withdraws only the claim of the waiter that came
   * then.
   */
  private giveBack(own: Seat, { participant, life }: Seat, since = 0): void {
    const { heap, start } = this.place;
    const { core } = heap;
    core.leave(start, core.scratchOf(start, own.participant), participant, life, since);
  }
}
