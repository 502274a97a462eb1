/** The two sides of waiting: a set, and the queue before it. */

import type { AcquireOptions } from "../contract.ts";
import type { Answer } from "../core/answer.ts";
import type { WakeWord } from "../core/sharing.ts";
import type { Clock } from "../platform/clock.ts";
import type { Place, Ranked, Request } from "./standing.ts";

/** The options of a set that its queue keeps. */
export interface QueueOptions {
  /** How many requests may wait, at most; undefined for no bound. */
  readonly maxWaiting: number | undefined;
  /** How much waiting is worth a priority of 1, in milliseconds; undefined if no wait is. */
  readonly agingMs: number | undefined;
  /** A limit of the dimension whose partitions are served in turn, by index; undefined if none are. */
  readonly fairAt?: number | undefined;
}

/** A request, and what the waiters before it want; undefined where they want nothing of its limits. */
export interface Asked {
  readonly request: Request;
  readonly ranked: Ranked;
  readonly demand: readonly number[] | undefined;
}

/** Why a request is refused, and for how long. */
export interface Outlook {
  /** The limits that refuse, by index: first those that would refuse it even if no waiter stood before it. */
  readonly limitedBy: readonly number[];
  /** Until it could pass; Infinity if it needs a release. */
  readonly retryAfterMs: number;
  /** The part of that which is known: a resource in use counts 0. */
  readonly knownMs: number;
  /** How many waiters stand before it, at that of these limits at which most do. */
  readonly ahead: number;
}

/** The set, as its queue sees it. */
export interface Gate<T> {
  readonly clock: Clock;
  /** The word by which other threads wake this one after a release; undefined while there are none. */
  readonly wakeWord: WakeWord | undefined;
  /** What a waiter adds to the demand of each limit. */
  demandOf(request: Request): readonly number[];
  /** Takes a request that came at `since` (in microseconds), or refuses it. */
  take(request: Request, demand: readonly number[] | undefined, now: number, since: number): Answer;
  /** Answers as `take` would; takes nothing. */
  probe(request: Request, demand: readonly number[] | undefined, now: number): Answer;
  /** For how long limit `index` refuses the request that was taken or probed last, in milliseconds: 0 if it grants it. */
  waitAt(index: number): number;
  /** For how long limit `index` is paused for the request that was taken or probed last, in milliseconds: 0 if it is not. */
  pausedFor(index: number, now: number): number;
  /** How much may be wanted of limit `index` before a request that it could still grant. */
  roomAt(index: number, request: Request): number;
  /** Whether limit `index` is a resource that cannot hold what is in use and `total` more, in the partition of a request. */
  isOverdrawn(index: number, total: number, now: number, request: Request): boolean;
  /** The request that was refused just now, as it is to wait. */
  standing(request: Request): Request;
  /**
   * Requests wait for the partition that a place has of limit `index`, or none does any more. Returns whether waiters for other partitions
   * may want its place.
   */
  waitedFor(place: Place, index: number, isSo: boolean): boolean;
  /** Called when a request begins to wait. */
  begins(request: Request): void;
  /** Called when the waiter that came at `since` waits no more. */
  withdraw(since: number): void;
  /** The value for a waiter whose request has just been taken. */
  grant(request: Request, token: number, waitedMs: number): T;
  /** Why a request is refused. It was refused just now if `isFresh`; else the gate probes. */
  outlook(asked: Asked, now: number, isFresh: boolean): Outlook;
  /**
   * A request of the gate `from`, which this one has followed since the limits of the set have changed.
   *
   * @throws the error of a request that could never pass.
   */
  anew(request: Request, from: Gate<unknown>): Request;
  /** Counts a request whose timeout has passed. */
  timedOut(request: Request): void;
  /** Counts a request whose signal has ended its wait. */
  aborted(request: Request): void;
  /** Counts a request that must not wait. */
  refused(outlook: Outlook): void;
  /** The error for a request whose timeout has passed. */
  timeout(outlook: Outlook, timeoutMs: number): Error;
  /** The error for a request that finds the queue full. */
  full(outlook: Outlook, maxWaiting: number): Error;
  /** The error for a request that would wait for too long. */
  tooLong(outlook: Outlook, maxWaitMs: number): Error;
}

/** How many requests wait. */
export interface Waiters {
  /** All of them, in a plain field: each take looks at it, and a getter would cost it a fifth. */
  readonly size: number;
  /** How many waiters want limit `index`: of the partition of a request, if it has one there; of all without a request. */
  waitingFor(index: number, request?: Request): number;
  /** How many of those stand before a request behind all, at limit `index` that has one state for all. */
  standingAt(index: number): number;
}

/** The waiters before a request, at each limit. */
export interface Before {
  /** Differs after each waiter that comes or leaves. */
  readonly changes: number;
  /** How many stand before `ranked` at limit `index`. */
  countBefore(index: number, ranked: Ranked, request: Request): number;
  /** What each waiter before `ranked` wants of limit `index`, in order. */
  demandsBefore(index: number, ranked: Ranked, request: Request): Iterable<number>;
}

/** All lines of one set in one isolate, and the timer that wakes them. */
export interface Queue<T> {
  readonly lines: Waiters & Before;
  /** A request that has just come, and what the waiters before it want: to be used at once. Those that can go by now go first. */
  ask(request: Request, now: number): Asked;
  /**
   * What all waiters want, one entry a limit, if a try without a priority stands behind all of them; to be used at once. Undefined if it
   * has to be asked for, or nothing waits. Those that can go by now go first.
   */
  demandOfAll(now: number): readonly number[] | undefined;
  /** Takes for a request behind the waiters, or lets it wait. */
  acquire(request: Request, now: number, options?: AcquireOptions): Promise<T>;
  /**
   * Lets a request wait that the gate has just refused, while no other waits.
   *
   * @throws the error of a request that must not wait.
   */
  wait(request: Request, now: number, options?: AcquireOptions): Promise<T>;
  /**
   * Finds the waiters that can go now, and grants them. Called after each event that may let a waiter go, such as a release. `back` has
   * one entry for each limit, below 0 where units came back; without it, units of any limit may have come back. They came back in the
   * partitions of `request`; without it, in any.
   */
  serve(back?: readonly number[], request?: Request): void;
  /**
   * Limits were paused, or are not any more: those with `units` from 0 on, in the partitions of a place, or in any. Without units, another
   * thread may have done so. `serve` follows.
   */
  reviewPauses(now: number, units?: readonly number[], place?: Place): void;
  /**
   * The limits of the set change, and their number is `limits` from now on; `fairAt` is that of the options: takes all waiters out. The
   * function that it returns stands them anew, in their order, before the gate that follows, and serves them.
   */
  renew(limits: number, fairAt?: number): (gate: Gate<unknown>, now: number) => void;
  /** Rejects all waiters. */
  close(error: Error): void;
}
