/** Between a set and the queue before it. */

import type { AcquireOptions } from "../contract.ts";
import type { Answer } from "../core/answer.ts";
import type { WakeWord } from "../core/sharing.ts";
import type { Clock } from "../platform/clock.ts";
import type { Request } from "./lines.ts";

/** What a queue needs of the set before which it stands. */
export interface Gate<T> {
  readonly clock: Clock;
  /** By which other threads tell that something has come back; undefined while there are none. */
  readonly wakeWord: WakeWord | undefined;
  /** Takes a request, which came at `since` (in microseconds), or refuses it. */
  take(request: Request, now: number, since: number): Answer;
  /** What `take` would answer; takes nothing. */
  probe(request: Request, now: number): Answer;
  /** The waiter that came at `since` waits no more. */
  withdraw(since: number): void;
  /** What to hand to a waiter whose request has just been taken. */
  grant(request: Request, token: number): T;
  /** The error for a waiter that waited in vain. */
  timeout(request: Request, timeoutMs: number): Error;
}

export interface Queue<T> {
  readonly size: number;
  /** When the first head could pass, in milliseconds since the epoch; Infinity if that hangs on a release. */
  readonly passesAt: number;
  /** How many wait for limit `index`. */
  waitingFor(index: number): number;
  /** Whether somebody waits who comes before a new request: who waits for one of the same limits. */
  standsBefore(units: readonly number[], now: number): boolean;
  /** Waits for its turn. `wait` is what the gate has just answered, undefined if it was not asked. */
  enqueue(request: Request, wait: number | undefined, now: number, options?: AcquireOptions): Promise<T>;
  /** Something came back or may have: grants whatever can pass now. */
  serve(): void;
  /** Turns everybody away. */
  close(error: Error): void;
}
