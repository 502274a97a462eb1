/**
 * The sliding window log: grants with their times. A request passes if it and the grants of the window before it stay
 * within the capacity together. The log is exact while it holds every grant of a window. When it is full, neighbours
 * that fall in the same 1/64 of a window become one entry with the later time: the log then never admits early, and
 * admits late by at most 1/64 of a window.
 */
import {
  CEILING,
  COUNT,
  ENTRY_AMOUNT,
  ENTRY_BYTES,
  ENTRY_TIME,
  FIRST,
  MAX_ENTRIES,
  SUM,
  WINDOW,
} from "../layout";
import { later, MOST } from "./fixed-window";

export function take(
  definition: usize,
  state: usize,
  log: usize,
  now: i64,
  units: i64,
  demand: i64,
  dry: bool,
): i64 {
  const capacity = load<i64>(definition + CEILING);
  let free = capacity - used(definition, state, log, now);
  const sum = units + demand;
  if (sum <= free) {
    if (!dry) charge(definition, state, log, now, units);
    return 0;
  }
  // One window after a unit has passed, its place is free for another.
  const windows = (sum - 1) / capacity;
  free -= sum - windows * capacity;
  return later(free < 0 ? readyAt(definition, state, log, now, -free) : now, definition, windows);
}

/** Adds units at `now`, above the capacity if need be, and drops the entries that have left the window. */
export function charge(definition: usize, state: usize, log: usize, now: i64, units: i64): void {
  const sum = used(definition, state, log, now);
  const first = firstIn(definition, state, log, now);
  let end = endOf(state);
  units = min(units, MOST - sum);
  store<i64>(state + SUM, sum + units);
  store<i32>(state + FIRST, first);
  store<i32>(state + COUNT, end - first);
  if (end > first) {
    const last = entry(log, end - 1);
    if (load<i64>(last + ENTRY_TIME) === now) {
      store<i64>(last + ENTRY_AMOUNT, load<i64>(last + ENTRY_AMOUNT) + units);
      return;
    }
  }
  if (end === MAX_ENTRIES) {
    makeRoom(definition, state, log);
    end = load<i32>(state + COUNT);
  }
  store<i64>(entry(log, end) + ENTRY_TIME, now);
  store<i64>(entry(log, end) + ENTRY_AMOUNT, units);
  store<i32>(state + COUNT, load<i32>(state + COUNT) + 1);
}

/** Forgets all grants. */
export function reset(state: usize): void {
  store<i64>(state + SUM, 0);
  store<i32>(state + FIRST, 0);
  store<i32>(state + COUNT, 0);
}

/** Returns when the last entry leaves the window. */
export function fullAt(definition: usize, state: usize, log: usize, now: i64): i64 {
  if (used(definition, state, log, now) === 0) return now;
  return readyAt(definition, state, log, now, i64.MAX_VALUE);
}

/** Returns the sum of the entries in the window. */
export function used(definition: usize, state: usize, log: usize, now: i64): i64 {
  const end = firstIn(definition, state, log, now);
  let sum = load<i64>(state + SUM);
  for (let i = firstOf(state); i < end; i++) sum -= load<i64>(entry(log, i) + ENTRY_AMOUNT);
  return sum;
}

/** The first entry that has not left the window. */
function firstIn(definition: usize, state: usize, log: usize, now: i64): i32 {
  const expiry = now - load<i64>(definition + WINDOW);
  const end = endOf(state);
  let first = firstOf(state);
  while (first < end && load<i64>(entry(log, first) + ENTRY_TIME) <= expiry) first++;
  return first;
}

// Torn numbers must not lead out of the log.
function firstOf(state: usize): i32 {
  return load<i32>(state + FIRST) & (MAX_ENTRIES - 1);
}

/** The end of the entries. */
function endOf(state: usize): i32 {
  return min(firstOf(state) + load<i32>(state + COUNT), MAX_ENTRIES);
}

/** Returns when so many of the oldest entries in the window have left it that `excess` has gone with them. */
function readyAt(definition: usize, state: usize, log: usize, now: i64, excess: i64): i64 {
  const last = endOf(state) - 1;
  let at = min(firstIn(definition, state, log, now), last);
  while (at < last) {
    excess -= load<i64>(entry(log, at) + ENTRY_AMOUNT);
    if (excess <= 0) break;
    at++;
  }
  return load<i64>(entry(log, at) + ENTRY_TIME) + load<i64>(definition + WINDOW);
}

/** Moves the entries to the front of the log. Where they are at the front already, merges neighbours. */
function makeRoom(definition: usize, state: usize, log: usize): void {
  const first = load<i32>(state + FIRST);
  const count = load<i32>(state + COUNT);
  store<i32>(state + FIRST, 0);
  if (first > 0) {
    memory.copy(log, entry(log, first), count * ENTRY_BYTES);
    return;
  }
  const window = load<i64>(definition + WINDOW);
  let kept = 0;
  let cell = cellOf(load<i64>(log + ENTRY_TIME), window);
  for (let i = 1; i < count; i++) {
    const time = load<i64>(entry(log, i) + ENTRY_TIME);
    const amount = load<i64>(entry(log, i) + ENTRY_AMOUNT);
    const next = cellOf(time, window);
    let into = entry(log, kept);
    if (next === cell) {
      store<i64>(into + ENTRY_AMOUNT, load<i64>(into + ENTRY_AMOUNT) + amount);
    } else {
      into = entry(log, ++kept);
      store<i64>(into + ENTRY_AMOUNT, amount);
      cell = next;
    }
    store<i64>(into + ENTRY_TIME, time);
  }
  store<i32>(state + COUNT, kept + 1);
}

// A span of one window touches 65 cells at most, so merging a full log always frees nearly half of it.
function cellOf(time: i64, window: i64): i64 {
  return (time * (MAX_ENTRIES / 2)) / window;
}

function entry(log: usize, i: i32): usize {
  return log + i * ENTRY_BYTES;
}
