/** A waiter as it stands in a line, and the line. */
import type { Placed } from "./heap.ts";

/** A request as it waits: whole units, one entry a limit. */
export interface Request {
  readonly units: readonly number[];
  /** For a nested request: the limits that the acquisitions around it hold. */
  readonly covered?: readonly boolean[] | undefined;
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

/** A waiter's place among the others. */
export interface Standing<W> extends Ranked {
  readonly request: Request;
  /** What it adds to the demand of each limit. */
  readonly demand: readonly number[];
  /** The line in which it stands; undefined while it stands in none. */
  line: Line<W> | undefined;
  previous: W | undefined;
  next: W | undefined;
}

/** The waiters that want the same combination of limits, in order. Its place is that among the lines parked at one limit. */
export interface Line<W> extends Placed {
  readonly name: string;
  /** The limits that they want, by index. */
  readonly limits: readonly number[];
  readonly isNested: boolean;
  head: W | undefined;
  tail: W | undefined;
  /** The limit at which the line is parked: it refuses the head. -1 before the first waiter stands. */
  parkedAt: number;
  /** When that limit could grant the head with the demand as it is, in milliseconds since the epoch; Infinity if time does not help. */
  moment: number;
  /** Whether time does not help because of the demand before the head: a grant to those before it changes that. */
  isBlocked: boolean;
  /** The state of the lines when the head was judged last: see `Lines`. */
  judgedAt: number;
}

/** Whether `a` goes before `b`. */
export function isBefore(a: Ranked, b: Ranked): boolean {
  return a.key === b.key ? a.turn < b.turn : a.key < b.key;
}

/** The limits that a request wants, by index. */
export function limitsOf(units: readonly number[]): number[] {
  const limits: number[] = [];
  for (let i = 0; i < units.length; i++) if (units[i]! > 0) limits.push(i);
  return limits;
}
