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

// A wide debt has at most MOST_UNITS, and leaks out in at most MOST_TIME. That is twice the longest window, and the time when
// it has leaked out is a whole number in JavaScript too.
const MOST_UNITS: i64 = 1 << 60;
const MOST_TIME: i64 = 1 << 52;

/** Defines how a debt leaks: `capacity` units in a window. */
export function define(definition: usize, capacity: i64, isWide: bool): void {
  const window = load<i64>(definition + WINDOW);
  const common = greatestCommonDivisor(capacity, window);
  const weight = window / common;
  const rate = capacity / common;
  assert(isWide || weight <= MOST_FULL / capacity, "a full bucket of this kind of limit fits 61 bits");
  const idle = isWide
    ? i64(min(f64(MOST_TIME), (f64(MOST_UNITS) / f64(rate)) * f64(weight)))
    : MOST_DEBT / rate;
  store<i64>(definition + WEIGHT, weight);
  store<i64>(definition + RATE, rate);
  store<i64>(definition + FULL, load<i64>(definition + CEILING) * weight);
  store<i64>(definition + IDLE, idle);
}

/** The debt that so many units make: at most the ceiling. */
export function ofUnits<D>(definition: usize, units: i64): D {
  if (isVector<D>()) return wide(units, 0);
  return units * load<i64>(definition + WEIGHT);
}

/** The highest debt that leaves room for `units` more: at most the ceiling. */
export function roomFor<D>(definition: usize, units: i64): D {
  if (isVector<D>()) return wide(load<i64>(definition + CEILING) - units, 0);
  return load<i64>(definition + FULL) - units * load<i64>(definition + WEIGHT);
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

/** The same for `debt` and the debt of so many units more: MOST_TIME at most. */
export function timeWith<D>(definition: usize, debt: D, units: i64): i64 {
  const rate = load<i64>(definition + RATE);
  const weight = load<i64>(definition + WEIGHT);
  // The most common case by itself: processors take long to divide, and the product has 60 bits at most.
  if (!isVector<D>() && ((units >>> 24) | (weight >>> 36)) === 0) {
    return min((units * weight + debt + rate - 1) / rate, MOST_TIME);
  }
  if ((f64(units) * f64(weight)) / f64(rate) > f64(MOST_TIME)) return MOST_TIME;
  if (isVector<D>()) return timeOf<D>(definition, plus<D>(definition, debt, units));
  const time = quotient(units, weight, rate);
  return time + (units * weight - time * rate + debt + rate - 1) / rate;
}

/** The units of a debt. A part of a unit counts as one. */
export function wholeUnits<D>(definition: usize, debt: D): i64 {
  if (isVector<D>()) return unitsOf(debt) + i64(partOf(debt) > 0);
  const weight = load<i64>(definition + WEIGHT);
  return (debt + weight - 1) / weight;
}

/** The units of a debt. A part of a unit counts as none. */
export function unitsIn<D>(definition: usize, debt: D): i64 {
  if (isVector<D>()) return unitsOf(debt);
  return debt / load<i64>(definition + WEIGHT);
}

/** The debt with `units` more, or the highest debt that is counted. */
export function charged<D>(definition: usize, debt: D, units: i64): D {
  if (isVector<D>()) {
    const most = leaked<D>(definition, load<i64>(definition + IDLE));
    const sum = plus<D>(definition, debt, units);
    return isLess<D>(sum, most) ? sum : most;
  }
  const weight = load<i64>(definition + WEIGHT);
  return units > (MOST_DEBT - debt) / weight ? MOST_DEBT : debt + units * weight;
}

export function zero<D>(): D {
  if (isVector<D>()) return i64x2.splat(0);
  return 0;
}

export function isZero<D>(debt: D): bool {
  if (isVector<D>()) return !v128.any_true(debt);
  return debt === 0;
}

export function isLess<D>(a: D, b: D): bool {
  if (isVector<D>()) {
    return unitsOf(a) === unitsOf(b) ? partOf(a) < partOf(b) : unitsOf(a) < unitsOf(b);
  }
  return a < b;
}

/** The debt with `units` more: at most the ceiling. */
export function plus<D>(definition: usize, debt: D, units: i64): D {
  if (isVector<D>()) return i64x2.replace_lane(debt, 0, unitsOf(debt) + units);
  return debt + units * load<i64>(definition + WEIGHT);
}

/** The difference of two debts, of which the first is not less. */
export function minus<D>(definition: usize, a: D, b: D): D {
  if (isVector<D>()) {
    const rest = i64x2.sub(a, b);
    // Below zero is -1, from zero on 0.
    const borrowed = partOf(rest) >> 63;
    return wide(unitsOf(rest) + borrowed, partOf(rest) + (load<i64>(definition + WEIGHT) & borrowed));
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

/** See `quotient`. */
const MISS: i64 = 512;

/**
 * Returns a x b / m, rounded down. `a` and the quotient are at most 2^60; `b` and `m` are at most 2^53. A quotient of floating
 * point is off by less than MISS: so the rest has 63 bits at most, even if the product has more.
 */
export function quotient(a: i64, b: i64, m: i64): i64 {
  const least = i64((f64(a) * f64(b)) / f64(m)) - MISS;
  return least + (a * b - least * m) / m;
}

function greatestCommonDivisor(a: i64, b: i64): i64 {
  while (b !== 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
