/** Time is cut at whole multiples of the window since the epoch; in each piece up to the capacity is granted. */
import { CEILING, NUMBER, USED_IN_WINDOW, WINDOW } from "../layout";

/** What charges can run a window up to; sums of it still fit 64 bits. */
export const MOST: i64 = 1 << 61;

export function take(definition: usize, state: usize, now: i64, units: i64): i64 {
  const count = used(definition, state, now) + units;
  if (count > load<i64>(definition + CEILING)) {
    return (load<i64>(state + NUMBER) + 1) * load<i64>(definition + WINDOW);
  }
  store<i64>(state + USED_IN_WINDOW, count);
  return 0;
}

/** Adds usage that nobody asked for beforehand to the present window. */
export function charge(definition: usize, state: usize, now: i64, units: i64): void {
  const count = used(definition, state, now);
  store<i64>(state + USED_IN_WINDOW, min(count + units, MOST));
}

/** Turns to the window of `now` and returns what has been granted in it. */
export function used(definition: usize, state: usize, now: i64): i64 {
  const number = now / load<i64>(definition + WINDOW);
  if (number !== load<i64>(state + NUMBER)) {
    store<i64>(state + NUMBER, number);
    store<i64>(state + USED_IN_WINDOW, 0);
  }
  return load<i64>(state + USED_IN_WINDOW);
}
