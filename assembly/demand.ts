/**
 * Demand: the units of a limit that waiters want and that are kept for them. Of a leaky bucket, where one waiter goes after the
 * other, it is the time that they take, in microseconds.
 */
import * as kinds from "./kinds";
import { DEFINITION_BYTES, DEFINITIONS } from "./layout";

// More is not counted: the sum of two such demands still fits 64 bits.
const MOST: i64 = 1 << 60;

/** The demand at an address. */
export function demandAt(address: usize): i64 {
  return i64(min(load<f64>(address), f64(MOST)));
}

/** The sum of two demands. */
export function plus(a: i64, b: i64): i64 {
  return min(a + b, MOST);
}

/** The demand that a waiter for `units` of limit `index` makes. */
export function demandOf(region: usize, index: i32, units: f64): f64 {
  return f64(kinds.demandOf(region + DEFINITIONS + index * DEFINITION_BYTES, i64(units)));
}
