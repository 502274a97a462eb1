/**
 * Which handles of a shared region are good. Each has a place in the region while it is out; the place counts its handles, so
 * that a handle that was voided stays void when the place is used again.
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
} from "../../assembly/layout.ts";
import { change } from "./change.ts";

// ISSUE: the two lowest bits, and one of the count.
/** The handle is out, and good. */
const OUT = 1;
/** No thread has attached by it yet: the region is kept for the first. */
const AWAITED = 2;
const FLAGS = OUT | AWAITED;
const ONCE = 4;

// A handle's number: the place, counted from 1, and above it the count of the place.
const PLACE_BITS = 12;
const PLACE_MASK = (1 << PLACE_BITS) - 1;

// GUARD: 0, or how far a worker has come with its lock.
/** The worker has asked for its lock. */
export const ASKED = 1;
/** The worker has its lock. */
export const LOCKED = 2;

export class Handles {
  private readonly words: Int32Array;
  private readonly start: number;

  constructor(buffer: ArrayBufferLike, start: number) {
    this.words = new Int32Array(buffer);
    this.start = start / 4;
  }

  /** Whether the region has to be kept for a thread that has not attached yet. */
  get someAwaited(): boolean {
    return this.places().some((place) => (this.issueOf(place) & AWAITED) !== 0);
  }

  /**
   * The number of a new handle; undefined if all places are taken. A handle that was posted to a worker has as its parent the
   * handle by which the posting thread attached.
   */
  issue(parent?: { readonly handle: number; readonly threadId: number }): number | undefined {
    for (const place of this.places()) {
      const issue = this.issueOf(place);
      const next = (issue & ~FLAGS) + ONCE + OUT;
      if ((issue & OUT) !== 0 || !this.change(place, issue, next)) continue;
      // A thread that dies from here on, before it has handed the handle out, takes the place along and nothing else.
      const handle = numberOf(place, next);
      Atomics.store(this.words, this.at(place, GUARD), 0);
      Atomics.store(this.words, this.at(place, PARENT), parent?.handle ?? 0);
      Atomics.store(this.words, this.at(place, PARENT_THREAD), parent ? parent.threadId + 1 : 0);
      this.settle(handle, (each) => each | AWAITED);
      return handle;
    }
    return undefined;
  }

  /** Whether threads may attach by a handle. */
  isGood(handle: number): boolean {
    return this.goodIssue(handle) !== undefined;
  }

  /** A thread has attached by the handle: the region need not be kept for it any more. */
  attended(handle: number): void {
    this.settle(handle, (issue) => issue & ~AWAITED);
  }

  /** Ends a handle: no thread attaches by it any more. */
  void(handle: number): void {
    this.settle(handle, (issue) => issue & ~FLAGS);
  }

  /** The handles that threads which attached by `parent` have posted to workers of theirs. */
  postedBy(parent: number): number[] {
    return this.out().filter((handle) => this.wordOf(handle, PARENT) === parent);
  }

  /** The handles that one thread of the platform has posted to workers of its own. */
  postedIn(threadId: number): number[] {
    return this.out().filter((handle) => this.wordOf(handle, PARENT_THREAD) === threadId + 1);
  }

  private out(): number[] {
    return this.places().flatMap((place) => {
      const issue = this.issueOf(place);
      return (issue & OUT) === 0 ? [] : [numberOf(place, issue)];
    });
  }

  private wordOf(handle: number, word: number): number {
    return Atomics.load(this.words, this.at(placeOf(handle), word));
  }

  /** Says how far the worker of a handle has come with the lock that it loses when it ends. */
  guard(handle: number, how: typeof ASKED | typeof LOCKED): void {
    if (!this.isGood(handle)) return;
    const at = this.at(placeOf(handle), GUARD);
    Atomics.store(this.words, at, how);
    Atomics.notify(this.words, at);
  }

  /** Resolves when the worker of a handle has come so far: true, or false after `ms`. */
  async guarded(handle: number, how: typeof ASKED | typeof LOCKED, ms?: number): Promise<boolean> {
    const at = this.at(placeOf(handle), GUARD);
    for (;;) {
      const now = Atomics.load(this.words, at);
      if (now >= how) return true;
      if (!(await change(this.words, at, now, ms))) return false;
    }
  }

  /** Changes the issue of a good handle. */
  private settle(handle: number, next: (issue: number) => number): void {
    for (;;) {
      const issue = this.goodIssue(handle);
      if (issue === undefined || this.change(placeOf(handle), issue, next(issue))) return;
    }
  }

  private goodIssue(handle: number): number | undefined {
    const place = placeOf(handle);
    if (!(place >= 0 && place < this.count)) return undefined;
    const issue = this.issueOf(place);
    return (issue & OUT) !== 0 && numberOf(place, issue) === handle ? issue : undefined;
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
  return (((issue & ~FLAGS) << (PLACE_BITS - 2)) & ~PLACE_MASK) | (place + 1);
}

function placeOf(handle: number): number {
  return (handle & PLACE_MASK) - 1;
}
