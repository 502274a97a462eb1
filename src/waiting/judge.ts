/** The judgement on a waiter: the lines ask, the queue answers. */

import type { Request } from "./standing.ts";

/** Where a waiter is parked that was refused: see `Line`. */
export interface Verdict {
  readonly at: number;
  readonly moment: number;
  readonly isBlocked: boolean;
  /** Whether it is refused by a pause, which ends at the moment. */
  readonly isPaused: boolean;
}

/** A pause of a limit, and when it ends. */
export interface Pause {
  readonly at: number;
  readonly moment: number;
}

/** How a queue judges the waiters of its lines. */
export interface Judge<W> {
  /**
   * Judges a waiter behind the `demand` before it; undefined where there is none. Lets it go, by `leave`, and returns true; or sets
   * `verdict`.
   */
  judge(waiter: W, demand: readonly number[] | undefined): boolean;
  /** Where the waiter is parked that has just been refused. */
  readonly verdict: Verdict;
  /** The longest pause of the limits that a request wants; undefined if there is none. */
  pauseOf(request: Request): Pause | undefined;
  /** Whether limit `index` is a resource that cannot hold all that is in use and `total` more, in the partition of a request. */
  isOverdrawn(index: number, total: number, request: Request): boolean;
  /** How much may be wanted of limit `index` before a request that could still go; Infinity if only `judge` may tell. */
  roomAt(index: number, request: Request): number;
}
