/**
 * The fixed window: a counter for each piece of time between two whole multiples of the window since the epoch, by the wall clock.
 * In each piece it grants up to the capacity. The set's time may be `ahead` of the wall clock, so the state has the end of the
 * present piece in the set's time.
 */
import { CEILING, USED_IN_WINDOW, WINDOW, WINDOW_END } from "../layout";
import { LAST } from "../time";

/** Charges run a window's count up to this at most: the sum of two counts still fits 64 bits. */
export const MOST: i64 = 1 << 61;

export function take(
  definition: usize,
  state: usize,
  now: i64,
  ahead: i64,
  units: i64,
  demand: i64,
  dry: bool,
): i64 {
  const count = used(state, now);
  const capacity = load<i64>(definition + CEILING);
  const sum = units + demand;
  if (count + sum <= capacity) {
    if (!dry) charge(definition, state, now, ahead, units);
    return 0;
  }
  // Charges above the capacity end with their window.
  const windows = (min(count, capacity) + sum - 1) / capacity;
  return later(presentEnd(definition, state, now, ahead), definition, windows - 1);
}

/** Returns the time that is so many windows later than `ready`, or the latest time there is. */
export function later(ready: i64, definition: usize, windows: i64): i64 {
  const window = load<i64>(definition + WINDOW);
  // A division takes as long as all the rest of a refusal. So few windows fit 64 bits, however long they are.
  if (windows < 512) return min(ready + windows * window, LAST);
  return windows > LAST / window ? LAST : ready + windows * window;
}

/** Adds units to the present window, above the capacity if need be. */
export function charge(definition: usize, state: usize, now: i64, ahead: i64, units: i64): void {
  const count = used(state, now);
  store<i64>(state + WINDOW_END, presentEnd(definition, state, now, ahead));
  store<i64>(state + USED_IN_WINDOW, min(count + units, MOST));
}

/** Forgets the grants of the present window. */
export function reset(definition: usize, state: usize, now: i64, ahead: i64): void {
  store<i64>(state + WINDOW_END, presentEnd(definition, state, now, ahead));
  store<i64>(state + USED_IN_WINDOW, 0);
}

/** Returns the end of the present window, if anything was taken in it. */
export function fullAt(state: usize, now: i64): i64 {
  return used(state, now) === 0 ? now : load<i64>(state + WINDOW_END);
}

/** Returns the units that were taken in the window of `now`. */
export function used(state: usize, now: i64): i64 {
  return now < load<i64>(state + WINDOW_END) ? load<i64>(state + USED_IN_WINDOW) : 0;
}

/** The end of the window of `now`. */
function presentEnd(definition: usize, state: usize, now: i64, ahead: i64): i64 {
  const last = load<i64>(state + WINDOW_END);
  if (now < last) return last;
  const window = load<i64>(definition + WINDOW);
  const end = endOf(window, now, ahead);
  // Threads whose wall clocks disagree would cut each other's windows short: after a window of another's follows a whole one.
  return end - window >= last ? end : last + window;
}

/** The wall clock was moved: the count goes on in the present window of the wall clock. */
export function move(definition: usize, state: usize, now: i64, ahead: i64): void {
  if (now >= load<i64>(state + WINDOW_END)) store<i64>(state + USED_IN_WINDOW, 0);
  store<i64>(state + WINDOW_END, endOf(load<i64>(definition + WINDOW), now, ahead));
}

/** The end of the wall clock's present window, in the set's time. */
function endOf(window: i64, now: i64, ahead: i64): i64 {
  return now + window - ((now - ahead) % window);
}
