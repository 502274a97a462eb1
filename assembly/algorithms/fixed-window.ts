/**
 * The fixed window: a counter for each piece of time between two whole multiples of the window since the epoch, by the wall clock.
 * In each piece it grants up to the capacity. The set's time may be `ahead` of the wall clock, so the state has the end of the
 * present piece in the set's time.
 */
import { CEILING, USED_IN_WINDOW, WINDOW, WINDOW_END } from "../layout";
import { LAST } from "../time";

/** Charges run a window's count up to this at most: the sum of two counts still fits 64 bits. */
export const MOST: i64 = 1 << 61;

export function take(definition: usize, state: usize, now: i64, ahead: i64, units: i64, demand: i64): i64 {
  used(definition, state, now, ahead);
  return takeOf(definition, state, units, demand);
}

/** Takes from the present window. */
export function takeOf(definition: usize, state: usize, units: i64, demand: i64): i64 {
  const count = load<i64>(state + USED_IN_WINDOW);
  const capacity = load<i64>(definition + CEILING);
  const sum = units + demand;
  if (count + sum > capacity) {
    // Charges above the capacity end with their window.
    const windows = (min(count, capacity) + sum - 1) / capacity;
    return later(load<i64>(state + WINDOW_END), definition, windows - 1);
  }
  store<i64>(state + USED_IN_WINDOW, count + units);
  return 0;
}

/** Returns the time that is so many windows later than `ready`, or the latest time there is. */
export function later(ready: i64, definition: usize, windows: i64): i64 {
  const window = load<i64>(definition + WINDOW);
  return windows > LAST / window ? LAST : ready + windows * window;
}

/** Adds units to the present window without a grant, above the capacity if need be. */
export function charge(definition: usize, state: usize, now: i64, ahead: i64, units: i64): void {
  const count = used(definition, state, now, ahead);
  store<i64>(state + USED_IN_WINDOW, min(count + units, MOST));
}

/** Forgets the grants of the present window. */
export function reset(definition: usize, state: usize, now: i64, ahead: i64): void {
  used(definition, state, now, ahead);
  store<i64>(state + USED_IN_WINDOW, 0);
}

/** Returns the end of the present window, if anything was taken in it. */
export function fullAt(definition: usize, state: usize, now: i64, ahead: i64): i64 {
  return used(definition, state, now, ahead) === 0 ? now : load<i64>(state + WINDOW_END);
}

/** Turns to the window of `now`, and returns the units that were taken in it. */
export function used(definition: usize, state: usize, now: i64, ahead: i64): i64 {
  const last = load<i64>(state + WINDOW_END);
  if (now < last) return load<i64>(state + USED_IN_WINDOW);
  const window = load<i64>(definition + WINDOW);
  const end = endOf(window, now, ahead);
  // Threads whose wall clocks disagree would cut each other's windows short: after a window of another's follows a whole one.
  store<i64>(state + WINDOW_END, end - window >= last ? end : last + window);
  store<i64>(state + USED_IN_WINDOW, 0);
  return 0;
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
