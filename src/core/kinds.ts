/** The kinds of limits by name, and the definition of a limit as the core takes it. */
import {
  CALENDAR,
  FIXED_WINDOW,
  GCRA,
  LEAKY_BUCKET,
  RESOURCE,
  SLIDING_WINDOW,
  TOKEN_BUCKET,
  UNLIMITED,
  WIDE_BUCKET,
  WIDE_LEAKY_BUCKET,
} from "../../assembly/layout.ts";

export const KINDS = {
  "token-bucket": TOKEN_BUCKET,
  gcra: GCRA,
  "leaky-bucket": LEAKY_BUCKET,
  "sliding-window": SLIDING_WINDOW,
  "fixed-window": FIXED_WINDOW,
  resource: RESOURCE,
  unlimited: UNLIMITED,
  calendar: CALENDAR,
} as const;

/** The windows of a calendar. Times are whole microseconds since the Unix epoch. */
export interface Calendar {
  /** The window that has the time `at`: its first moment, and that of the next window. */
  windowAt(at: number): Window;
}

export interface Window {
  readonly start: number;
  readonly end: number;
}

/** A limit's definition in whole units and whole microseconds. */
export interface Definition {
  readonly kind: keyof typeof KINDS;
  readonly capacity: number;
  /** The most that one request can take. */
  readonly ceiling: number;
  /** Of a calendar: the length of its shortest window. */
  readonly windowMicros: number;
  /** `SHADOW`, or 0. */
  readonly flags: number;
  /** The calendar of its windows, if it has one. */
  readonly calendar?: Calendar;
  /** The number of its dimension, if the limit has partitions. */
  readonly per?: number;
  /** Its definitions under the tiers of the set, in their order; undefined where the tier has none of its own. */
  readonly tiers?: readonly (Definition | undefined)[];
}

/** The debt of a full bucket fits one word up to here. */
const MOST_FULL = 2 ** 61;

/** The core's number for the kind of a limit. It is another one where a full bucket takes two words. */
export function kindOf(definition: Definition): number {
  const kind = KINDS[definition.kind];
  if (!isWide(definition)) return kind;
  return kind === LEAKY_BUCKET ? WIDE_LEAKY_BUCKET : WIDE_BUCKET;
}

/** Whether the core keeps the limit's state in another layout than that of its kind. */
export function isWide({ kind, capacity, windowMicros }: Definition): boolean {
  return (
    KINDS[kind] <= LEAKY_BUCKET &&
    (windowMicros / greatestCommonDivisor(capacity, windowMicros)) * capacity > MOST_FULL
  );
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
