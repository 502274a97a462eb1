/** This thread's part in a region that threads share. */
import type { Arena } from "../core/arena.ts";
import { desksFor, type SharedDesks } from "../core/desks.ts";
import type { Room, Sharing } from "../core/sharing.ts";
import type { WholeHeap } from "../core/whole.ts";
import { holdLock } from "../platform/locks.ts";
import type { Entrance } from "./entrance.ts";
import { type Handles, LOCKED, LOCKING } from "./handles.ts";
import { foundPlace, type Place, placeAt } from "./place.ts";
import { NO_HANDLE, type Seat } from "./seats.ts";
import { WakeWord } from "./wake-word.ts";

export class Membership implements Sharing {
  readonly wakeWord: WakeWord;
  readonly desks: SharedDesks;
  private readonly place: Place;
  private readonly seat: Seat;
  private readonly seatAt: number;
  private readonly handle: number;
  private readonly threadId: number;
  /** The arena that allocated the region, in the thread that made the region; undefined in others. */
  private readonly arena: Arena | undefined;
  /** Releases the lock by which other threads see the end of this one. */
  private unlock: (() => void) | undefined;

  /** Makes the part of the thread that shares the set, in a new region whose entrance is at `entrance`. */
  static found(arena: Arena, start: number, entrance: number, threadId: number): Membership {
    const place = foundPlace(arena, start, entrance);
    return new Membership(place, place.seats.found(threadId), NO_HANDLE, threadId, arena);
  }

  /**
   * Makes the part of a thread that attaches by `handle`. Returns `"void"` if the handle is not good, `"gone"` if the region is
   * gone, and the number of seats for threads if all of them are taken.
   */
  static join(
    heap: WholeHeap,
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
      // From here on the seat shows the handle: a thread that dies anywhere below is reclaimed with it.
      const seat = seats.take(handle, threadId);
      if (!seat) return { maxThreads: seats.count - 1 };
      const membership = new Membership(place, seat, handle, threadId, undefined);
      membership.act((own) => membership.begin(own));
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

  private constructor(place: Place, seat: Seat, handle: number, threadId: number, arena: Arena | undefined) {
    this.place = place;
    this.seat = seat;
    this.seatAt = place.seats.addressOf(seat);
    this.desks = desksFor(place.heap, this);
    this.handle = handle;
    this.threadId = threadId;
    this.arena = arena;
    this.wakeWord = new WakeWord(place.heap.memory.buffer, place.start, (action) => this.act(action));
  }

  get participant(): number {
    return this.seat.participant;
  }

  get life(): number {
    return this.seat.life;
  }

  get heap(): WholeHeap {
    return this.place.heap;
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
    return this.heap.core.enter(this.seatAt, this.seat.life) !== 0;
  }

  exit(): void {
    this.heap.core.exit(this.seatAt);
  }

  get home(): number {
    return this.place.start;
  }

  isPresent(number: number): boolean {
    return this.place.generations.isPresent(number);
  }

  present(): number {
    return this.place.generations.present(this.seat);
  }

  adopt(region: number): void {
    this.place.generations.adopt(this.seat, region);
  }

  takeRoom(bytes: number, cleared: number): Room {
    return this.place.generations.takeRoom(bytes, cleared, this.seat.participant, this.arena);
  }

  /**
   * Issues a handle, and returns its number; undefined if too many are out, `"reclaimed"` if this thread has been reclaimed. A
   * handle that is posted to a worker ends with this thread; `worker` is the platform's id of the worker.
   */
  issue(worker?: number): number | undefined | "reclaimed" {
    const { handles, seats } = this.place;
    const { handle: parent, threadId } = this;
    let issued: number | undefined;
    const isPresent = this.act((own) => {
      issued = handles.issue(worker === undefined ? undefined : { parent, threadId, worker });
      // A reclaim of this thread meanwhile may have missed the handle.
      if (issued !== undefined && !seats.isPresent(own)) handles.void(issued);
    });
    return isPresent ? issued : "reclaimed";
  }

  withdraw(since: number): void {
    this.act((own) => this.giveBack(own, own, since));
  }

  leave(): void {
    this.wakeWord.rest();
    this.act((own) => {
      this.giveBack(own, own);
      this.sweep(own);
    });
    // If this thread is reclaimed just before, the seat stays for another thread to free.
    this.place.seats.free(this.seat);
    this.unlock?.();
  }

  /**
   * Voids `handle`, and reclaims the threads that attached by it or by handles that these threads posted to workers of their own.
   * If `hasEnded`, the worker to which the handle was posted is known to have ended. It also works after this thread has left,
   * since other threads may still take part.
   */
  reclaim(handle: number, hasEnded = false): void {
    this.inside(() => {
      const { handles } = this.place;
      if (hasEnded) for (const each of handles.familyOf(handle)) this.forgetWorker(each);
      handles.void(handle);
    });
  }

  /** Reclaims the thread `threadId`, by whatever handle it attached, and voids the handles that it posted to its workers. */
  reclaimThread(threadId: number): void {
    // The id of no thread is below 0. Node's `threadId` of a worker that has ended is one.
    if (!(threadId >= 0)) return;
    this.inside(() => {
      const { seats, handles } = this.place;
      // If this thread dies in the middle, the rest takes another call.
      for (const seat of seats.taken()) if (seats.threadOf(seat) === threadId) seats.end(seat);
      for (const posted of handles.postedIn(threadId)) handles.void(posted);
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
    // Checked again, since a thread may have attached before the entrance was shut. A thread that comes just now opens it again.
    if (!isDeserted()) {
      entrance.open();
      return false;
    }
    if (!entrance.close()) return false;
    if (this.arena) this.place.generations.giveRooms(this.arena);
    const { start, bytes } = seats;
    if (seats.areReusable) this.arena?.giveLasting(entrance.at, start + bytes - entrance.at);
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
   * Runs `end`, and gives back all that must not be held after it: in the name of this thread's seat or, if this thread has left,
   * in the name of a free number. Does nothing if the region is gone.
   */
  private inside(end: () => void): void {
    const { entrance } = this.place;
    if (!entrance.enter()) return;
    try {
      end();
      // Before the number is chosen, since it may be that of a thread that has ended.
      this.endOrphans(this.seat);
      let isDone = false;
      this.act((own) => {
        isDone = this.sweep(own);
      });
      // If another thread reclaims the guest too, the rest takes another number.
      while (!isDone) isDone = this.sweepAsGuest();
    } finally {
      entrance.exit();
    }
    this.arena?.review(this.place.start);
  }

  /** Returns false if the guest has been reclaimed before all was done. */
  private sweepAsGuest(): boolean {
    const { place, handle, threadId, arena } = this;
    // By this thread's handle, so that the number is found again if this thread dies.
    const seat = place.seats.take(handle, threadId);
    // Where no number is free, it is left to the next thread that attaches, leaves or reclaims.
    if (!seat) return true;
    const guest = new Membership(place, seat, handle, threadId, arena);
    let isDone = false;
    guest.act((own) => {
      isDone = guest.begin(own);
    });
    guest.leave();
    return isDone;
  }

  /** Begins a life. All that is left of the number's last life is given back. Returns false if this life is over already. */
  private begin(own: Seat): boolean {
    this.giveBack(own, own);
    return this.sweep(own);
  }

  /**
   * Notes that the worker of a handle has ended. Browsers do not number threads: there the handle must have no other seat, or it
   * is not known which is the worker's.
   */
  private forgetWorker(handle: number): void {
    const { seats, handles } = this.place;
    const worker = handles.workerOf(handle);
    if (worker === undefined) return;
    const attached = seats.present().filter((seat) => seats.handleOf(seat) === handle);
    for (const seat of attached) {
      if (worker < 0 ? attached.length === 1 : seats.threadOf(seat) === worker) seats.forget(seat);
    }
  }

  /** Ends the seats whose handles are not good any more. The seat in whose name this is done is left to others. */
  private endOrphans(own: Seat): void {
    const { seats, handles } = this.place;
    handles.voidOrphans();
    for (const seat of seats.taken()) {
      if (seat.participant === own.participant && seat.life === own.life) continue;
      const handle = seats.handleOf(seat);
      if (handle !== undefined && handle !== NO_HANDLE && !handles.isGood(handle)) seats.end(seat);
    }
  }

  /**
   * Gives back all that ended seats hold. It finds by itself what is to be done, as `endOrphans` does: a thread that dies in here
   * leaves the rest to the next that attaches, leaves or reclaims. Returns false if this thread has been reclaimed meanwhile: the
   * core gives nothing back then.
   */
  private sweep(own: Seat): boolean {
    const { seats } = this.place;
    this.endOrphans(own);
    for (const seat of seats.ended()) {
      this.giveBack(own, seat);
      if (!seats.isPresent(own)) return false;
      seats.free(seat);
    }
    return true;
  }

  /**
   * Gives back all that a seat holds, and withdraws its claims. With `since`, withdraws only the claim of the waiter that came
   * then.
   */
  private giveBack(own: Seat, { participant, life }: Seat, since = 0): void {
    const { place } = this;
    const { core } = place.heap;
    // If the set is redefined meanwhile, it is done anew in the next region.
    for (;;) {
      const region = place.generations.present(own);
      const scratch = core.scratchOf(region, own.participant);
      if (core.leave(region, scratch, own.life, participant, life, since)) return;
    }
  }
}
