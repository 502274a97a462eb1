/** This thread's part in a region that threads share. */
import type { Heap } from "../core/arena.ts";
import type { ASKED, HELD, Participants, Seat } from "./participants.ts";
import { WakeWord } from "./wake-word.ts";

export class Membership {
  readonly participants: Participants;
  readonly wakeWord: WakeWord;
  readonly seat: Seat;
  private readonly heap: Heap;
  private readonly start: number;
  private readonly serial: number;

  constructor(heap: Heap, start: number, participants: Participants, seat: Seat) {
    this.heap = heap;
    this.start = start;
    this.participants = participants;
    this.wakeWord = new WakeWord(heap.memory, start);
    this.seat = seat;
    this.serial = participants.serial;
  }

  /** Takes the waiter that came at `since`, in microseconds, out of the line of all threads. */
  withdraw(since: number): void {
    this.giveUp(this.seat, this.seat, since);
  }

  /**
   * Gives back all that the thread of `seat` holds, and its number; and so for the threads that end when it does. Also when
   * this thread has left already: others may still take part. If all have, the region is gone, and the memory another's.
   */
  reclaim(seat: Seat): void {
    const { participants } = this;
    if (!this.isPresent(seat)) return;
    const self = participants.present(this.seat);
    const guest = self ? undefined : participants.offer();
    const own = self ?? (guest && participants.take(guest));
    // With no number free at all nobody has left: somebody else will reclaim.
    if (!own) return;
    this.reclaimAs(own, seat);
    if (!self) participants.free(own);
  }

  /** Says how far this thread has come with the lock that it loses when it dies, if it still takes part. */
  guard(how: typeof ASKED | typeof HELD): void {
    if (this.isPresent(this.seat)) this.participants.guard(this.seat, how);
  }

  /** Gives back all that this thread holds, and its number. */
  leave(): void {
    this.wakeWord.rest();
    this.giveUp(this.seat, this.seat, 0);
    this.participants.free(this.seat);
  }

  /** Whether the region is still there, and the thread of `seat` takes part. */
  private isPresent(seat: Seat): boolean {
    const { participants } = this;
    return participants.serial === this.serial && participants.present(seat) !== undefined;
  }

  private reclaimAs(own: Seat, given: Seat): void {
    for (let seat = this.participants.present(given); seat; seat = this.participants.present(given)) {
      const children = this.participants.childrenOf(seat);
      this.giveUp(own, seat, 0);
      if (this.participants.free(seat)) for (const child of children) this.reclaimAs(own, child);
    }
  }

  private giveUp(own: Seat, { participant, life }: Seat, since: number): void {
    const { core } = this.heap;
    core.leave(this.start, core.scratchOf(this.start, own.participant), participant, life, since);
  }
}
