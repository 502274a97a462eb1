/** A waiter, its line, and why a line cannot move. */
import type { Placed } from "../waiting/heap.ts";
import type { Demanding } from "../waiting/order.ts";
import type { Request } from "../waiting/standing.ts";

/** Why a line cannot move during a walk. The higher number wins where several reasons apply. */
export type Stop = typeof FREE | typeof AWAITS_RELEASE | typeof AWAITS_TIME | typeof UNKNOWN;

/** No reason: the line can move. */
export const FREE = 0;
/** Its first waiter, or one before it, waits for a release: nested requests still pass. */
export const AWAITS_RELEASE = 1;
/** Its first waiter, or one before it, waits for time to pass: no request passes. */
export const AWAITS_TIME = 2;
/** It is not known yet, because the answer to a waiter is still to come: no request passes, and the next walk asks anew. */
export const UNKNOWN = 3;

/** A waiter's place among the others: all have one key, and `turn` grows with every waiter that comes. */
export interface Standing<W> extends Demanding {
  readonly request: Request;
  /** The line in which it stands; undefined while it stands in none. */
  line: Line<W> | undefined;
  previous: W | undefined;
  next: W | undefined;
}

/** A waiter's promise, and the reasons that may end its wait. */
export interface Waiting<T, W> extends Standing<W> {
  /** When it came, in microseconds. */
  readonly since: number;
  /** When it gives up, in milliseconds since the epoch. */
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  resolve(value: T): void;
  readonly reject: (error: unknown) => void;
}

/** The waiters that want the same combination of limits, in order of turn. */
export interface Line<W> extends Placed {
  readonly name: string;
  readonly limits: readonly number[];
  readonly isNested: boolean;
  head: W | undefined;
  tail: W | undefined;
  /** Why the line could not move when it was last known; `reopen` clears it. */
  stop: Stop;
  /** How many waiters one walk may pass; behind them the line is UNKNOWN. */
  quota: number;
  /** The waiter that the present walk comes to next; undefined once the line is stopped or at its end. */
  cursor: W | undefined;
  /** How many waiters the present walk has passed. */
  passed: number;
}

/** An empty line. */
export function newLine<W>(name: string, limits: readonly number[], isNested: boolean): Line<W> {
  return {
    name,
    limits,
    isNested,
    head: undefined,
    tail: undefined,
    stop: FREE,
    quota: Number.POSITIVE_INFINITY,
    cursor: undefined,
    passed: 0,
    place: -1,
  };
}
