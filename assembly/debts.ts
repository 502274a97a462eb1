/**
 * A debt as a number, of which there are two shapes. The algorithms are written once, for a debt `D`; the compiler makes
 * each of them for both shapes.
 *
 * - Narrow: an `i64`. One unit makes a debt of WEIGHT, and each microsecond leaks RATE. This is the shape wherever the
 *   debt of a full bucket fits 61 bits.
 * - Wide: a `v128` of two words, the whole units and a part of a unit, in 1 / WEIGHT. Its order is that of the units,
 *   then that of the parts. Products have up to 106 bits, and are divided without ever being stored.
 *
 * Both are exact: they differ in nothing but their size and their speed.
 */
import { CEILING, FULL, IDLE, RATE, WEIGHT, WINDOW } from "./layout";

// The debt of a full narrow bucket stays within MOST_FULL, and one that charges run up within MOST_DEBT. The sum of both
// fits 64 bits.
const MOST_FULL: i64 = 1 << 61;
const MOST_DEBT: i64 = 1 << 62;

// A wide debt has fewer units than this, and leaks out in 2^52 microseconds, which is twice the longest window: so the
// time when it has leaked out is a whole number in JavaScript too.
const MOST_UNITS = 1152921504606846976.0;
const MOST_TIME = 4503599627370496.0;

/** Whether a full bucket needs a wide debt. `window` is in microseconds. */
export function isWide(capacity: i64, window: i64): bool {
  return window / greatestCommonDivisor(capacity, window) > MOST_FULL / capacity;
}

/** Defines how a debt leaks: `capacity` units in a window. */
export function define(definition: usize, capacity: i64): void {
  const window = load<i64>(definition + WINDOW);
  const common = greatestCommonDivisor(capacity, window);
  const weight = window / common;
  const rate = capacity / common;
  const idle = isWide(capacity, window)
    ? i64(min(MOST_TIME, (MOST_UNITS / f64(rate)) * f64(weight)))
    : MOST_DEBT / rate;
  store<i64>(definition + WEIGHT, weight);
  store<i64>(definition + RATE, rate);
  store<i64>(definition + FULL, load<i64>(definition + CEILING) * weight);
  store<i64>(definition + IDLE, idle);
}

/** The debt that so many units make: at most the ceiling. */
export function ofUnits<D>(definition: usize, units: i64): D {
  if (isVector<D>()) return i64x2.replace_lane(i64x2.splat(0), 0, units);
  return units * load<i64>(definition + WEIGHT);
}

/** The debt of a full bucket. */
export function full<D>(definition: usize): D {
  if (isVector<D>()) return ofUnits<D>(definition, load<i64>(definition + CEILING));
  return load<i64>(definition + FULL);
}

/** The debt that leaks out in so many microseconds: at most IDLE. */
export function leaked<D>(definition: usize, elapsed: i64): D {
  const rate = load<i64>(definition + RATE);
  if (isVector<D>()) {
    const weight = load<i64>(definition + WEIGHT);
    const units = quotient(elapsed, rate, weight);
    return wide(units, elapsed * rate - units * weight);
  }
  return elapsed * rate;
}

/** How many microseconds it takes until `debt` has leaked out. A part of one counts as one. */
export function timeOf<D>(definition: usize, debt: D): i64 {
  const rate = load<i64>(definition + RATE);
  if (isVector<D>()) {
    const weight = load<i64>(definition + WEIGHT);
    const time = quotient(unitsOf(debt), weight, rate);
    return time + (unitsOf(debt) * weight - time * rate + partOf(debt) + rate - 1) / rate;
  }
  return (debt - 1) / rate + 1;
}

/** The units of a debt. A part of a unit counts as one. */
export function wholeUnits<D>(definition: usize, debt: D): i64 {
  if (isVector<D>()) return unitsOf(debt) + i64(partOf(debt) > 0);
  const weight = load<i64>(definition + WEIGHT);
  return (debt + weight - 1) / weight;
}

/** The debt with `units` more, or the highest debt that is counted. */
export function charged<D>(definition: usize, debt: D, units: i64): D {
  if (isVector<D>()) {
    const sum = plus<D>(debt, ofUnits<D>(definition, units));
    const most = leaked<D>(definition, load<i64>(definition + IDLE));
    return isLess<D>(most, sum) ? most : sum;
  }
  const weight = load<i64>(definition + WEIGHT);
  return units > (MOST_DEBT - debt) / weight ? MOST_DEBT : debt + units * weight;
}

export function zero<D>(): D {
  if (isVector<D>()) return i64x2.splat(0);
  return 0;
}

export function isLess<D>(a: D, b: D): bool {
  if (isVector<D>()) {
    return unitsOf(a) === unitsOf(b) ? partOf(a) < partOf(b) : unitsOf(a) < unitsOf(b);
  }
  return a < b;
}

/** The sum of two debts, of which the second has no part of a unit if it is wide. */
export function plus<D>(a: D, b: D): D {
  if (isVector<D>()) return i64x2.add(a, b);
  return a + b;
}

/** The difference of two debts, of which the first is not less. */
export function minus<D>(definition: usize, a: D, b: D): D {
  if (isVector<D>()) {
    const rest = i64x2.sub(a, b);
    return partOf(rest) < 0 ? i64x2.add(rest, wide(-1, load<i64>(definition + WEIGHT))) : rest;
  }
  return a - b;
}

function wide(units: i64, part: i64): v128 {
  return i64x2.replace_lane(i64x2.splat(units), 1, part);
}

function unitsOf(debt: v128): i64 {
  return i64x2.extract_lane(debt, 0);
}

function partOf(debt: v128): i64 {
  return i64x2.extract_lane(debt, 1);
}

/**
 * Returns a x b / m, rounded down. `a` is below 2^61; `b` and `m` are at most 2^53, and the quotient is below 2^61. A quotient
 * of floating point is off by less than 2^10: so the rest by less than 2^63, and its lower 64 bits are all of it.
 */
function quotient(a: i64, b: i64, m: i64): i64 {
  const near = i64((f64(a) * f64(b)) / f64(m));
  const rest = a * b - near * m;
  // To divide is to cut off: a negative rest that is no multiple of `m` needs one more.
  return near + rest / m - i64(rest % m < 0);
}

function greatestCommonDivisor(a: i64, b: i64): i64 {
  while (b !== 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
