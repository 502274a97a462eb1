/** What a transaction does at each of its limits, one after the other: asks them, settles with them, or reads them. */
import { isKnown, UNKNOWN } from "./algorithms/calendar";
import { demandAt } from "./demand";
import * as kinds from "./kinds";
import {
  CALENDAR,
  DEFINITION_BYTES,
  GRANTED,
  KIND,
  LET_PASS,
  PAUSED,
  REFUSER,
  SEVERAL,
  STATE,
  UNIT_BYTES,
  UNITS,
} from "./layout";
import { NEVER, wait } from "./time";

/**
 * Asks the limits from `definition` until `last` for their units, the first of which are at `units`. Their WAITS are `waits` behind these, and
 * their demands `demands` behind these: 0 if nothing is demanded. Returns 0 if all grant, or the first microsecond at which they would;
 * UNKNOWN if a window of a calendar is not known, of the limit that REFUSER names.
 */
export function askAll(
  definition: usize,
  last: usize,
  units: usize,
  staged: usize,
  scratch: usize,
  now: i64,
  stamp: i64,
  dry: bool,
  waits: i32,
  demands: i32,
  reading: i64,
): i64 {
  let latest: i64 = 0;
  for (; definition < last; definition += DEFINITION_BYTES, units += UNIT_BYTES) {
    const amount = load<f64>(units);
    let answer: f64 = 0;
    if (amount > 0) {
      const demand = demands !== 0 ? demandAt(units + demands) : 0;
      const ready = ask(definition, staged, scratch, now, stamp, i64(amount), demand, dry);
      if (ready !== 0) {
        if (kinds.isShadow(definition) && ready !== UNKNOWN) {
          if (!dry) kinds.letPass(definition, staged);
          answer = LET_PASS;
        } else {
          const refuser = i32(units - scratch - UNITS) / UNIT_BYTES;
          store<f64>(scratch + REFUSER, f64(latest === 0 || ready === UNKNOWN ? refuser : SEVERAL));
          if (ready === UNKNOWN) return UNKNOWN;
          latest = max(latest, ready);
          answer = wait(reading, ready);
        }
      }
    }
    store<f64>(units + waits, answer);
  }
  return latest;
}

/**
 * Asks one limit for `units`, as `take` does, and counts what it grants. A pause counts too: nothing passes before it ends, so that the
 * limit is asked as of then.
 */
function ask(
  definition: usize,
  block: usize,
  scratch: usize,
  now: i64,
  stamp: i64,
  units: i64,
  demand: i64,
  dry: bool,
): i64 {
  const record = block + load<i32>(definition + STATE);
  let at = now;
  if (load<i64>(record + PAUSED) > now) {
    at = load<i64>(record + PAUSED);
    // A shadow lets pass: its state stays as it is.
    if (at === NEVER || kinds.isShadow(definition)) return whilePaused(definition, record, scratch, now, at);
    dry = true;
  }
  const ready = kinds.take(definition, block, scratch, at, stamp, units, demand, dry);
  if (ready !== 0) return ready;
  if (at !== now) return at;
  if (!dry) store<i64>(record + GRANTED, load<i64>(record + GRANTED) + 1);
  return 0;
}

/** The answer of a limit that is not asked while it is paused. Of a calendar the stats tell the window, whether it is paused or not. */
function whilePaused(definition: usize, record: usize, scratch: usize, now: i64, paused: i64): i64 {
  const isCalendar = load<i32>(definition + KIND) === CALENDAR;
  return isCalendar && !isKnown(definition, record, scratch, now) ? UNKNOWN : paused;
}

/** Settles the units of the limits from `definition` until `last`. */
export function settleAll(
  definition: usize,
  last: usize,
  units: usize,
  staged: usize,
  scratch: usize,
  now: i64,
  stamp: i64,
): void {
  for (; definition < last; definition += DEFINITION_BYTES, units += UNIT_BYTES) {
    const amount = load<f64>(units);
    if (amount !== 0) kinds.settle(definition, staged, scratch, now, i64(amount), stamp);
  }
}

/** Writes for each limit the units in use as its UNITS. */
export function readAll(
  definition: usize,
  last: usize,
  units: usize,
  staged: usize,
  scratch: usize,
  now: i64,
): void {
  for (; definition < last; definition += DEFINITION_BYTES, units += UNIT_BYTES) {
    store<f64>(units, f64(kinds.used(definition, staged, scratch, now)));
  }
}

/** Sets the UNITS of `count` limits to one each. */
export function wantOneOfAll(units: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f64>(units + i * UNIT_BYTES, 1);
}
