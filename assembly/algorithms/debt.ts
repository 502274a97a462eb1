/**
 * The arithmetic that token bucket, GCRA and leaky bucket share: a debt that leaks out at a constant rate and never
 * falls below zero. A token bucket's level is its ceiling less the debt. A GCRA's theoretical arrival time is now plus
 * the time that the debt takes to leak out.
 *
 * The arithmetic is exact in whole numbers. `capacity` units leak out in one window of `ticks` clock ticks: so one unit
 * makes a debt of `ticks`, and each tick leaks `capacity`, both divided by their greatest common divisor.
 */
import { AT, CEILING, DEBT, FULL, IDLE, RATE, SHIFT, WEIGHT, WINDOW } from "../layout";
import { lowerMarks } from "../refund";

// The debt of a full bucket stays within MOST_FULL, and one that charges run up within MOST_DEBT. The sum of both fits
// 64 bits.
const MOST_FULL: i64 = 1 << 61;
const MOST_DEBT: i64 = 1 << 62;

/** Chooses the shortest tick, a power of two of microseconds, at which the numbers of a full bucket fit. */
export function define(definition: usize, capacity: i64): void {
  const window = load<i64>(definition + WINDOW);
  let shift: i64 = 0;
  while (true) {
    // A window that is no whole number of ticks is rounded up: never more than the definition allows.
    const ticks = (window + (1 << shift) - 1) >> shift;
    const common = greatestCommonDivisor(capacity, ticks);
    const weight = ticks / common;
    if (weight <= MOST_FULL / capacity) {
      const rate = capacity / common;
      store<i32>(definition + SHIFT, i32(shift));
      store<i64>(definition + WEIGHT, weight);
      store<i64>(definition + RATE, rate);
      store<i64>(definition + FULL, load<i64>(definition + CEILING) * weight);
      store<i64>(definition + IDLE, MOST_DEBT / rate);
      return;
    }
    shift++;
  }
}

export function tick(definition: usize, time: i64): i64 {
  return time >> load<i32>(definition + SHIFT);
}

/** Returns the debt that is left at `now`. Changes nothing. */
export function owed(definition: usize, state: usize, now: i64): i64 {
  const debt = load<i64>(state + DEBT);
  const elapsed = tick(definition, now) - load<i64>(state + AT);
  if (elapsed > load<i64>(definition + IDLE)) return 0;
  return elapsed > 0 ? max(debt - elapsed * load<i64>(definition + RATE), 0) : debt;
}

/** Lets the debt leak until `now`, and returns the rest of it. */
export function leak(definition: usize, state: usize, now: i64): i64 {
  const debt = owed(definition, state, now);
  settleAt(definition, state, now, debt);
  return debt;
}

/** Records `debt` as the debt that is left at `now`. */
export function settleAt(definition: usize, state: usize, now: i64, debt: i64): void {
  store<i64>(state + AT, tick(definition, now));
  store<i64>(state + DEBT, debt);
  lowerMarks(state, debt);
}

/** Returns the first microsecond at which `excess` of the debt at `now` has leaked out. */
export function readyAt(definition: usize, now: i64, excess: i64): i64 {
  const ticks = (excess - 1) / load<i64>(definition + RATE) + 1;
  return (tick(definition, now) + ticks) << load<i32>(definition + SHIFT);
}

/** Adds units without a grant, above the ceiling if need be. */
export function charge(definition: usize, state: usize, now: i64, units: i64): void {
  const debt = leak(definition, state, now);
  const weight = load<i64>(definition + WEIGHT);
  store<i64>(state + DEBT, units > (MOST_DEBT - debt) / weight ? MOST_DEBT : debt + units * weight);
}

/** Returns the units that have not leaked out yet. A part of a unit counts as one. */
export function used(definition: usize, state: usize, now: i64): i64 {
  const weight = load<i64>(definition + WEIGHT);
  return (leak(definition, state, now) + weight - 1) / weight;
}

function greatestCommonDivisor(a: i64, b: i64): i64 {
  while (b !== 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
