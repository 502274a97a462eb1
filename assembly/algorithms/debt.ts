/**
 * The arithmetic that token bucket, GCRA and leaky bucket share: a debt that leaks out at a constant rate and never
 * falls below zero. A token bucket's level is its ceiling less the debt. A GCRA's theoretical arrival time is now plus
 * the time that the debt takes to leak out.
 *
 * The arithmetic is exact in whole numbers. `capacity` units leak out in one window: so one unit makes a debt of `window`,
 * and each microsecond leaks `capacity`, both divided by their greatest common divisor.
 */

import { AT, DEBT, IDLE } from "../layout";
import {
  charged,
  isLess,
  isZero,
  leaked,
  minus,
  ofUnits,
  timeOf,
  timeWith,
  wholeUnits,
  zero,
} from "../numbers";
import { clearMarks, lowerMarks } from "../refund";

/** Returns the debt that is left at `now`. Changes nothing. */
export function owed<D>(definition: usize, state: usize, now: i64): D {
  const debt = load<D>(state + DEBT);
  const elapsed = now - load<i64>(state + AT);
  if (elapsed <= 0) return debt;
  if (elapsed <= load<i64>(definition + IDLE)) {
    const leak = leaked<D>(definition, elapsed);
    if (isLess<D>(leak, debt)) return minus<D>(definition, debt, leak);
  }
  return zero<D>();
}

/** Lets the debt leak until `now`, and returns the rest of it. */
export function leak<D>(definition: usize, state: usize, now: i64): D {
  const debt = owed<D>(definition, state, now);
  store<i64>(state + AT, now);
  store<D>(state + DEBT, debt);
  lowerMarks<D>(state, debt);
  return debt;
}

/** Returns the first microsecond at which `excess` of the debt at `now` has leaked out. */
export function readyAt<D>(definition: usize, now: i64, excess: D): i64 {
  return now + timeOf<D>(definition, excess);
}

/** Adds units without a grant, above the ceiling if need be. */
export function charge<D>(definition: usize, state: usize, now: i64, units: i64): void {
  store<D>(state + DEBT, charged<D>(definition, leak<D>(definition, state, now), units));
}

/** Runs the debt up to that of so many units, at most the ceiling, if it is less. */
export function raise<D>(definition: usize, state: usize, now: i64, units: i64): void {
  const least = ofUnits<D>(definition, units);
  if (isLess<D>(leak<D>(definition, state, now), least)) store<D>(state + DEBT, least);
}

/** Forgets the debt, and the grants that have made it. */
export function reset<D>(state: usize, now: i64): void {
  store<i64>(state + AT, now);
  store<D>(state + DEBT, zero<D>());
  clearMarks<D>(state);
}

/** Returns the first microsecond at which no debt is left. */
export function fullAt<D>(definition: usize, state: usize, now: i64): i64 {
  const debt = owed<D>(definition, state, now);
  return isZero<D>(debt) ? now : readyAt<D>(definition, now, debt);
}

/** Returns the units that have not leaked out yet. A part of a unit counts as one. */
export function used<D>(definition: usize, state: usize, now: i64): i64 {
  return wholeUnits<D>(definition, owed<D>(definition, state, now));
}

/**
 * Returns the first microsecond at which `excess` units above the ceiling could pass, too: when the waiters before them have taken
 * theirs, each as soon as it could.
 */
export function readyBehind<D>(definition: usize, state: usize, now: i64, excess: i64): i64 {
  return now + timeWith<D>(definition, owed<D>(definition, state, now), excess);
}
