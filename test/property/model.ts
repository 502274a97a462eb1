/** A time that never comes: until then a request is refused that only a release can let pass. */
export const NEVER = 1n << 200n;

/**
 * The bounds of a value. The core is exact almost always, and then both ends are equal. Where it may round (a full stack of
 * low-water marks, a full log of entries) it may err only to the strict side, and only so far: these are the two ends.
 */
export interface Range {
  readonly least: bigint;
  readonly most: bigint;
}

/** One limit as the oracle sees it. Amounts are units, times microseconds and never less than those of earlier changes. */
export interface Model {
  /** The first time from `now` on at which `n` would pass; `now` itself if it passes at once. Leaves no trace. */
  ready(now: bigint, n: bigint): Range;
  /** Units in use, rounded up. Leaves no trace. */
  used(now: bigint): Range;
  /** Takes `n` for the reservation `id`. Ids grow with every reservation of a set. */
  take(now: bigint, n: bigint, id: number): void;
  /** Counts `n` units of usage above the request. */
  charge(now: bigint, n: bigint): void;
  /** Gives back `n` of the units that the reservation `id` took. */
  giveBack(now: bigint, n: bigint, id: number): void;
  /** Leaves at most `left` units. */
  lower(now: bigint, left: bigint): void;
  /** As if never used. Reservations from before give nothing back. */
  reset(now: bigint): void;
  /** Whether takes after the one with this number may have something to give back; left out where none ever has. */
  mayGiveBackAfter?(id: number): boolean;
  /** From `now` on, the set's time is `ahead` of the wall clock. Only some models depend on the wall clock. */
  moved?(now: bigint, ahead: bigint): void;
}

export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const ceilDiv = (a: bigint, b: bigint): bigint => (a <= 0n ? 0n : (a + b - 1n) / b);
export const exactly = (value: bigint): Range => ({ least: value, most: value });
