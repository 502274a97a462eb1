/** The two sides of waiting: a set, and the queue before it. */

import type { AcquireOptions } from "../contract.ts";
import type { Answer } from "../core/answer.ts";
import type { WakeWord } from "../core/sharing.ts";
import type { Clock } from "../platform/clock.ts";
import type { Request } from "./line.ts";

/** The set, as its queue sees it. */
export interface Gate<T> {
  readonly clock: Clock;
  /** The word by which other threads wake this one after a release; undefined while there are none. */
  readonly wakeWord: WakeWord | undefined;
  /** Takes a request that came at `since` (in microseconds), or refuses it. */
  take(request: Request, now: number, since: number): Answer;
  /** Answers as `take` would; takes nothing. */
  probe(request: Request, now: number): Answer;
  /** Called when the waiter that came at `since` waits no more. */
  withdraw(since: number): void;
  /** The value for a waiter whose request has just been taken. */
  grant(request: Request, token: number): T;
  /** The error for a waiter whose timeout has passed. */
  timeout(request: Request, timeoutMs: number): Error;
}

/** How many requests wait. */
export interface Waiters {
  /** All of them, in a plain field: each take looks at it, and a getter would cost it a fifth. */
  readonly size: number;
  /** How many waiters want limit `index`. */
  waitingFor(index: number): number;
}

/** All lines of one set in one isolate, and the timer that wakes them. */
export interface Queue<T> {
  readonly lines: Waiters;
  /** When a grant is possible next, in milliseconds since the epoch; Infinity if that depends on a release. */
  readonly passesAt: number;
  /** Whether a waiter comes before a new request for `units`, because it wants one of the same limits. */
  standsBefore(units: readonly number[], now: number): boolean;
  /** Lets a request wait for its turn. `wait` is the gate's answer of just now, in milliseconds; undefined if it was not asked. */
  enqueue(request: Request, wait: number | undefined, now: number, options?: AcquireOptions): Promise<T>;
  /** Finds the waiters that can go now, and grants them. Called after each event that may let a waiter go, such as a release. */
  serve(): void;
  /** Rejects all waiters. */
  close(error: Error): void;
}
