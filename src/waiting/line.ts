/** A waiter, its line, and why a line cannot move. */
import type { Placed } from "./heap.ts";

/** A request as it waits: whole units, one entry a limit. */
export interface Request {
  readonly units: readonly number[];
  /** For a nested request: the limits that the acquisitions around it hold. */
  readonly covered?: readonly boolean[] | undefined;
}

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

/** The stop of a line whose first waiter was refused for so many milliseconds. */
export function stopFor(waitMs: number): Stop {
  return waitMs === Number.POSITIVE_INFINITY ? AWAITS_RELEASE : AWAITS_TIME;
}

/** A waiter's place among the others. */
export interface Standing<W> {
  readonly request: Request;
  /** Grows with every waiter that comes. */
  readonly turn: number;
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

/** A line among those that want one limit. */
export interface Spot<W> extends Placed {
  readonly line: Line<W>;
}

/** The waiters that want the same combination of limits, in order of turn. */
export interface Line<W> extends Placed {
  readonly name: string;
  readonly limits: readonly number[];
  readonly isNested: boolean;
  /** Its spots at its limits; none if it is nested. */
  readonly spots: readonly Spot<W>[];
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
  const spots: Spot<W>[] = [];
  const line: Line<W> = {
    name,
    limits,
    isNested,
    spots,
    head: undefined,
    tail: undefined,
    stop: FREE,
    quota: Number.POSITIVE_INFINITY,
    cursor: undefined,
    passed: 0,
    place: -1,
  };
  if (!isNested) for (const _ of limits) spots.push({ line, place: -1 });
  return line;
}

/** The limits that a request wants, by index. */
export function limitsOf(units: readonly number[]): number[] {
  const limits: number[] = [];
  for (let i = 0; i < units.length; i++) if (units[i]! > 0) limits.push(i);
  return limits;
}
