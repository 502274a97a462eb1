/** Requests that wait, and their order. */

import type { Names } from "../core/names.ts";

/** The partitions that a request takes from. */
export interface Place {
  /** The same, for the core. */
  readonly names: Names;
  /** What the partition is called whose state it takes of limit `index`: undefined where the limit has one state for all. */
  wardOf(index: number): string | undefined;
  /** A key of that partition, which few others have: undefined where there is none. */
  keyOf(index: number): WardKey | undefined;
  /** Whether that partition is the one of limit `at` in another place, where the keys are the same. */
  isIn(index: number, place: Place, at: number): boolean;
}

export type WardKey = number | string;

/** A request as it waits: whole units, one entry a limit. */
export interface Request {
  readonly units: readonly number[];
  /** For a nested request: the limits that the acquisitions around it hold. */
  readonly covered?: readonly boolean[] | undefined;
  /** Undefined where the set has no partitions. */
  readonly place?: Place | undefined;
}

/** The turn of a request that has just come: it stands behind all waiters with its key. (2^53 - 1, written so that bundlers can drop it.) */
export const NEWCOMER = 9_007_199_254_740_991;

/** A request's place in the order of waiting: by key, then by turn. */
export interface Ranked {
  /** The lower key goes first. 0 where no request has a priority. */
  readonly key: number;
  /** Grows with every waiter that comes. */
  readonly turn: number;
}

/** The place of a request that has just come and has no priority, where no wait is worth one. */
export const LAST: Ranked = { key: 0, turn: NEWCOMER };

/** Whether `a` goes before `b`. */
export function isBefore(a: Ranked, b: Ranked): boolean {
  return a.key === b.key ? a.turn < b.turn : a.key < b.key;
}

/** The limits that a request wants, by index. */
export function limitsOf(units: readonly number[]): number[] {
  let count = 0;
  for (let i = 0; i < units.length; i++) if (units[i]! > 0) count++;
  // A list that grows would have room for more, and each line keeps its own.
  const limits = new Array<number>(count);
  for (let i = units.length - 1; count > 0; i--) if (units[i]! > 0) limits[--count] = i;
  return limits;
}
