/**
 * The handles of a shared region, and which of them are good. Each handle that is out has a place in the region. The place
 * counts its handles, so that a voided handle stays void when the place is used again.
 *
 * A handle that a thread posted to its worker has as its parent the handle by which that thread attached, and is good only as
 * long as the parent is. So one step voids a handle with all that follow from it, whatever happens to the thread that does it.
 */
import {
  DEFINITION_BYTES,
  DEFINITIONS,
  GUARD,
  HANDLE_BYTES,
  HANDLES_BYTES,
  ISSUE,
  LIMITS,
  PARENT,
  PARENT_THREAD,
  PARTICIPANTS,
  WORKER,
} from "../../assembly/layout.ts";
import { change } from "./change.ts";

// The word ISSUE: three flags, and above them the count.
/** The place is used. */
const OUT = 1;
/** Threads may attach by the handle, as far as its own place says. */
const GOOD = 2;
/** No thread has attached by the handle yet: the region is kept for the first. */
const AWAITED = 4;
const FLAGS = OUT | GOOD | AWAITED;
const ONCE = 8;

// The number of a handle: its place, counted from 1, and above that the count of the place.
const PLACE_BITS = 12;
const PLACE_MASK = (1 << PLACE_BITS) - 1;
/** The flags are so many bits fewer than a place. */
const COUNT_SHIFT = PLACE_BITS - 3;

// The word GUARD: how far the worker of a handle has come with its lock, and above that the count of the place.
const NONE = 0;
/** The worker is about to take its lock. */
export const LOCKING = 1;
/** The worker has its lock. */
export const LOCKED = 2;

/** The origin of a handle that a thread posts to its worker. */
export interface Posting {
  /** The handle by which the thread attached; 0 if the thread made the set. */
  readonly parent: number;
  /** The platform's id of the thread. */
  readonly threadId: number;
  /** The platform's id of the worker. Ids are -1 where they are not known. */
  readonly worker: number;
}

const NOT_POSTED: Posting = { parent: 0, threadId: -1, worker: -1 };

export class Handles {
  private readonly words: Int32Array;
  private readonly start: number;

  constructor(buffer: ArrayBufferLike, start: number) {
    this.words = new Int32Array(buffer);
    this.start = start / 4;
  }

  /** Whether the region has to be kept for threads that have not attached yet. */
  get someAwaited(): boolean {
    const { count } = this;
    for (let place = 0; place < count; place++) if ((this.issueOf(place) & AWAITED) !== 0) return true;
    return false;
  }

  /** Issues a handle, and returns its number; undefined if all places are taken. */
  issue(posting = NOT_POSTED): number | undefined {
    for (const place of this.places()) {
      const issue = this.issueOf(place);
      const next = (issue & ~FLAGS) + ONCE + OUT;
      if ((issue & OUT) !== 0 || !this.change(place, issue, next)) continue;
      // The place's words are still those of an earlier handle. They are not looked at until the handle is good. If this thread
      // dies before that, the place stays taken, and no other harm is done.
      Atomics.store(this.words, this.at(place, GUARD), guardOf(numberOf(place, next), NONE));
      Atomics.store(this.words, this.at(place, PARENT), posting.parent);
      Atomics.store(this.words, this.at(place, PARENT_THREAD), posting.threadId + 1);
      Atomics.store(this.words, this.at(place, WORKER), posting.worker + 1);
      Atomics.store(this.words, this.at(place, ISSUE), next | GOOD | AWAITED);
      return numberOf(place, next);
    }
    return undefined;
  }

  /** Whether threads may attach by a handle: it has not been voided, nor have those from which it follows. */
  isGood(handle: number): boolean {
    const issue = this.goodIssue(handle);
    if (issue === undefined) return false;
    const parent = this.wordOf(handle, PARENT);
    // The word was another handle's if the place has been used again meanwhile.
    if (this.goodIssue(handle) === undefined) return false;
    return parent === 0 || this.isGood(parent);
  }

  /** Notes that a thread has attached by the handle: the region need not be kept for it any more. */
  attended(handle: number): void {
    this.update(handle, (issue) => issue & ~AWAITED);
  }

  /** Ends a handle: no thread can attach by it any more. */
  void(handle: number): void {
    this.update(handle, (issue) => issue & ~FLAGS);
  }

  /** Frees the places of the handles whose parents have been voided. */
  voidOrphans(): void {
    for (const handle of this.out()) if (!this.isGood(handle)) this.void(handle);
  }

  /** The handles that the thread `threadId` has posted to workers of its own. */
  postedIn(threadId: number): number[] {
    return this.out().filter((handle) => this.wordOf(handle, PARENT_THREAD) === threadId + 1);
  }

  /** A handle and all that follow from it, voided or not, if their places have not been used again. */
  familyOf(handle: number): number[] {
    const places = this.places();
    const family = [handle];
    for (const parent of family) {
      for (const place of places) {
        const each = numberOf(place, this.issueOf(place));
        if (this.wordOf(each, PARENT) === parent && !family.includes(each)) family.push(each);
      }
    }
    return family;
  }

  /** The platform's id of the worker to which a handle was posted; -1 if it is not known. */
  workerOf(handle: number): number {
    return this.wordOf(handle, WORKER) - 1;
  }

  private out(): number[] {
    return this.places().flatMap((place) => {
      const issue = this.issueOf(place);
      return (issue & GOOD) === 0 ? [] : [numberOf(place, issue)];
    });
  }

  private wordOf(handle: number, word: number): number {
    return Atomics.load(this.words, this.at(placeOf(handle), word));
  }

  /** Notes how far the worker of a handle has come with the lock that it loses when it ends. */
  guard(handle: number, stage: typeof LOCKING | typeof LOCKED): void {
    const at = this.at(placeOf(handle), GUARD);
    // The place may have been used again.
    for (const before of [NONE, LOCKING].map((each) => guardOf(handle, each))) {
      if (Atomics.compareExchange(this.words, at, before, guardOf(handle, stage)) === before) break;
    }
    Atomics.notify(this.words, at);
  }

  /** Resolves to true when the worker of a handle has come to `stage`, to false after `ms` milliseconds. */
  async guarded(handle: number, stage: typeof LOCKING | typeof LOCKED, ms?: number): Promise<boolean> {
    const at = this.at(placeOf(handle), GUARD);
    const [least, most] = [guardOf(handle, stage), guardOf(handle, LOCKED)];
    for (;;) {
      const now = Atomics.load(this.words, at);
      if (now >= least && now <= most) return true;
      if (!(await change(this.words, at, now, ms))) return false;
    }
  }

  /** Changes the ISSUE of a handle, if that is good. */
  private update(handle: number, next: (issue: number) => number): void {
    for (;;) {
      const issue = this.goodIssue(handle);
      if (issue === undefined || this.change(placeOf(handle), issue, next(issue))) return;
    }
  }

  private goodIssue(handle: number): number | undefined {
    const place = placeOf(handle);
    if (!(place >= 0 && place < this.count)) return undefined;
    const issue = this.issueOf(place);
    return (issue & GOOD) !== 0 && numberOf(place, issue) === handle ? issue : undefined;
  }

  private get count(): number {
    return ((this.words[this.start + PARTICIPANTS / 4]! - 1) * HANDLES_BYTES) / HANDLE_BYTES;
  }

  private places(): number[] {
    return Array.from({ length: this.count }, (_, place) => place);
  }

  private issueOf(place: number): number {
    return Atomics.load(this.words, this.at(place, ISSUE));
  }

  private change(place: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, this.at(place, ISSUE), from, to) === from;
  }

  private at(place: number, word: number): number {
    const first = DEFINITIONS + this.words[this.start + LIMITS / 4]! * DEFINITION_BYTES;
    return this.start + (first + place * HANDLE_BYTES + word) / 4;
  }
}

function numberOf(place: number, issue: number): number {
  return (((issue & ~FLAGS) << COUNT_SHIFT) & ~PLACE_MASK) | (place + 1);
}

function placeOf(handle: number): number {
  return (handle & PLACE_MASK) - 1;
}

function guardOf(handle: number, stage: number): number {
  return ((handle & ~PLACE_MASK) >> COUNT_SHIFT) | stage;
}
