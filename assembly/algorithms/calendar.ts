/**
 * The calendar window: a counter for each minute, hour, day, week or month of a time zone. In each it grants up to the capacity.
 *
 * The core has no calendar. It asks the caller for the window that has the present moment of the wall clock, once a window, and finds
 * the answer in two words of the participant's scratch area. The state has the end of the present window in the set's time, so that
 * participants agree on it; one whose wall clock has it that the window lasts longer lets it last.
 */
import { AHEAD, BEGAN, TOLD_END, USED_IN_WINDOW, WEIGHT, WINDOW_END } from "../layout";
import * as fixedWindow from "./fixed-window";
import { MOST } from "./fixed-window";

/** In place of the time at which a request can pass: the caller has to be asked first. */
export const UNKNOWN: i64 = -1;

export function take(
  definition: usize,
  state: usize,
  scratch: usize,
  now: i64,
  units: i64,
  demand: i64,
  dry: bool,
): i64 {
  const end = load<i64>(state + WINDOW_END);
  const count = load<i64>(state + USED_IN_WINDOW);
  const began = load<i64>(state + BEGAN);
  if (!turn(definition, state, scratch, now)) return UNKNOWN;
  const ready = fixedWindow.take(definition, state, now, 0, units, demand, dry);
  if (ready !== 0 || dry) {
    store<i64>(state + WINDOW_END, end);
    store<i64>(state + USED_IN_WINDOW, count);
    store<i64>(state + BEGAN, began);
  }
  return ready;
}

/**
 * Adds units to the present window without a grant, above the capacity if need be. It asks for nothing: where the window is not known,
 * the state has ~T in place of its end, which is below 0: the window is the one that has the present moment T.
 */
export function charge(definition: usize, state: usize, scratch: usize, now: i64, units: i64): void {
  if (!turn(definition, state, scratch, now)) {
    if (isOver(state, now)) begin(state, now);
    store<i64>(state + WINDOW_END, ~now);
  }
  store<i64>(state + USED_IN_WINDOW, min(load<i64>(state + USED_IN_WINDOW) + units, MOST));
}

/** Begins a state that is all zeroes with so many units in the window of `now`. What the caller has told is of another calendar. */
export function inherit(state: usize, now: i64, units: i64): void {
  move(state, now);
  store<i64>(state + USED_IN_WINDOW, units);
}

/** Gives back units of the grant with a stamp, if the present window had begun by then. Returns how many. */
export function giveBack(state: usize, now: i64, units: i64, stamp: i64): i64 {
  if (isOver(state, now) || stamp < load<i64>(state + BEGAN)) return 0;
  const count = load<i64>(state + USED_IN_WINDOW);
  const given = min(count, units);
  store<i64>(state + USED_IN_WINDOW, count - given);
  return given;
}

/** Forgets the grants of the present window. They give nothing back any more. */
export function reset(state: usize, now: i64): void {
  store<i64>(state + USED_IN_WINDOW, 0);
  store<i64>(state + BEGAN, now + now + 1);
}

/** Returns the end of the present window, if anything was taken in it. */
export function fullAt(definition: usize, state: usize, scratch: usize, now: i64): i64 {
  return used(definition, state, scratch, now) === 0 ? now : max(now, load<i64>(state + WINDOW_END));
}

/** Returns the units that were taken in the window of `now`. */
export function used(definition: usize, state: usize, scratch: usize, now: i64): i64 {
  if (!turn(definition, state, scratch, now) && isOver(state, now)) return 0;
  return load<i64>(state + USED_IN_WINDOW);
}

/** The wall clock was moved: the count goes on in the present window of the wall clock. */
export function move(state: usize, now: i64): void {
  if (isOver(state, now)) begin(state, now);
  store<i64>(state + WINDOW_END, ~now);
}

/** Whether the window of `now` is known. */
export function isKnown(definition: usize, state: usize, scratch: usize, now: i64): bool {
  if (now < load<i64>(state + WINDOW_END)) return true;
  const told = scratch + usize(load<i64>(definition + WEIGHT));
  const time = now - load<i64>(scratch + AHEAD);
  return time >= i64(load<f64>(told)) && time < i64(load<f64>(told + TOLD_END));
}

/** Whether the last known window is over. */
export function isOver(state: usize, now: i64): bool {
  const end = load<i64>(state + WINDOW_END);
  return end >= 0 && now >= end;
}

/** Turns to the window of `now`. Returns false, and does nothing, if the caller has not told it. */
function turn(definition: usize, state: usize, scratch: usize, now: i64): bool {
  const last = load<i64>(state + WINDOW_END);
  if (now < last) return true;
  const told = scratch + usize(load<i64>(definition + WEIGHT));
  const ahead = load<i64>(scratch + AHEAD);
  const start = i64(load<f64>(told)) + ahead;
  let end = i64(load<f64>(told + TOLD_END)) + ahead;
  if (now < start || now >= end) return false;
  let isSame = false;
  if (last < 0) {
    isSame = ~last >= start;
  } else if (last > start && last > 0) {
    // Threads whose wall clocks disagree would cut each other's windows short. If this one's has not come to the end of the window
    // that is over, the count goes on; if it was there first, a whole window follows.
    isSame = last - start > end - last;
    if (!isSame) end = last + end - start;
  }
  if (!isSame) begin(state, now);
  store<i64>(state + WINDOW_END, end);
  return true;
}

function begin(state: usize, now: i64): void {
  store<i64>(state + USED_IN_WINDOW, 0);
  store<i64>(state + BEGAN, now + now);
}
