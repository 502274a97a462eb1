/**
 * The fixed window: a counter for each piece of time between two whole multiples of the window since the epoch. In each
 * piece it grants up to the capacity.
 */
import { CEILING, NUMBER, USED_IN_WINDOW, WINDOW } from "../layout";

/** Charges run a window's count up to this at most: the sum of two counts still fits 64 bits. */
export const MOST: i64 = 1 << 61;

export function take(definition: usize, state: usize, now: i64, units: i64): i64 {
  const count = used(definition, state, now) + units;
  if (count > load<i64>(definition + CEILING)) {
    return (load<i64>(state + NUMBER) + 1) * load<i64>(definition + WINDOW);
  }
  store<i64>(state + USED_IN_WINDOW, count);
  return 0;
}

/** Adds units to the present window without a grant, above the capacity if need be. */
export function charge(definition: usize, state: usize, now: i64, units: i64): void {
  const count = used(definition, state, now);
  store<i64>(state + USED_IN_WINDOW, min(count + units, MOST));
}

/** Turns to the window of `now`, and returns the units that were taken in it. */
export function used(definition: usize, state: usize, now: i64): i64 {
  const number = now / load<i64>(definition + WINDOW);
  if (number !== load<i64>(state + NUMBER)) {
    store<i64>(state + NUMBER, number);
    store<i64>(state + USED_IN_WINDOW, 0);
  }
  return load<i64>(state + USED_IN_WINDOW);
}
