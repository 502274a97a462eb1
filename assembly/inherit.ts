/**
 * A limit that is defined anew keeps what is used of it. The state under the old definition is settled to now, and the state under
 * the new one begins with what is left. It is exact: a part of a unit is carried over as a part of a unit, rounded up.
 *
 * Its record goes on: a pause, and the totals. A debt stays a debt, with the marks by which reservations refund. A log stays a log. All other kinds pass on a number of units, as
 * if they had been taken now.
 *
 * The old block is only read. It may be torn, since its owner may be writing to it again: the numbers are then wrong, and never
 * lead out of the state.
 */
import * as calendar from "./algorithms/calendar";
import { owed } from "./algorithms/debt";
import * as kinds from "./kinds";
import {
  AT,
  BEGAN,
  CALENDAR,
  CEILING,
  CHARGED,
  COUNT,
  DEBT,
  DEFINITION_BYTES,
  DEFINITIONS,
  ENTRY_AMOUNT,
  ENTRY_BYTES,
  ENTRY_TIME,
  FIRST,
  FIXED_WINDOW,
  HELD,
  HELD_BYTES,
  IN_USE,
  INHERIT_AVAILABLE,
  INHERIT_FRESH,
  INHERIT_PROPORTIONAL,
  KIND,
  LEAKY_BUCKET,
  LOG,
  MARK_COUNT,
  MARK_LOW,
  MARK_STAMP,
  MARKS,
  MAX_ENTRIES,
  MAX_MARKS,
  PARTICIPANTS,
  RECORD_BYTES,
  REFUNDED,
  RESOURCE,
  SLIDING_WINDOW,
  STATE,
  SUM,
  UNLIMITED,
  USED_IN_WINDOW,
  WEIGHT,
  WIDE_BUCKET,
  WIDE_LEAKY_BUCKET,
  WINDOW,
  WINDOW_END,
} from "./layout";
import { charged, quotient } from "./numbers";

/** More units than this are not carried over. */
const MOST: i64 = 1 << 60;
/** Ratios of units, and products with them, are off by a few roundings. */
const ROUNDING: f64 = 4 * f64.EPSILON;

/**
 * Writes the state of limit `into` of the block `target` from that of limit `index` of the block `source`, at `now` in
 * microseconds: the two blocks lie in the regions `to` and `from`. The new state is all zeroes before. Both limits are resources,
 * or neither is. `scratch` is that of the participant whose wall clock counts. A unit of the old limit is `ratio` units of the new
 * one. `mode` says what carries over: layout.ts has the modes.
 */
export function inherit(
  from: usize,
  source: usize,
  index: i32,
  to: usize,
  target: usize,
  into: i32,
  scratch: usize,
  now: f64,
  mode: i32,
  ratio: f64,
): void {
  const old = from + DEFINITIONS + index * DEFINITION_BYTES;
  const next = to + DEFINITIONS + into * DEFINITION_BYTES;
  const oldState = source + load<i32>(old + STATE);
  const state = target + load<i32>(next + STATE);
  const oldKind = load<i32>(old + KIND);
  const kind = load<i32>(next + KIND);
  memory.copy(state, oldState, RECORD_BYTES);
  store<i64>(state + REFUNDED, converted(load<i64>(state + REFUNDED), ratio, false));
  store<i64>(state + CHARGED, converted(load<i64>(state + CHARGED), ratio, false));
  if (kind === RESOURCE) {
    const participants = min(load<i32>(from + PARTICIPANTS), load<i32>(to + PARTICIPANTS));
    memory.copy(state + IN_USE, oldState + IN_USE, HELD - IN_USE + participants * HELD_BYTES);
    return;
  }
  if (mode === INHERIT_FRESH) return;
  const time = i64(now);
  if (mode !== INHERIT_PROPORTIONAL && ratio === 1 && isDebt(oldKind) && isDebt(kind)) {
    const shift = mode === INHERIT_AVAILABLE ? load<i64>(next + CEILING) - load<i64>(old + CEILING) : 0;
    passDebt(old, oldState, next, state, time, shift);
    return;
  }
  let units = carried(old, next, usedOf(old, source, oldState, time), mode, ratio);
  if (kind === SLIDING_WINDOW && oldKind === SLIDING_WINDOW) {
    units -= passLog(old, source, state, target + load<i32>(next + LOG), time, units, ratio);
  } else if (kind === FIXED_WINDOW && oldKind === FIXED_WINDOW) {
    if (load<i64>(old + WINDOW) === load<i64>(next + WINDOW))
      store<i64>(state + WINDOW_END, load<i64>(oldState + WINDOW_END));
  }
  if (kind === CALENDAR) {
    calendar.inherit(state, time, units);
    // Grants of the old window are in the count, and may still give back.
    if (oldKind === CALENDAR && !calendar.isOver(oldState, time)) {
      store<i64>(state + BEGAN, load<i64>(oldState + BEGAN));
    }
  } else if (units > 0) {
    kinds.charge(next, target, scratch, time, units);
  }
}

/** The units in use at `now`. A part of a unit counts as one. */
function usedOf(definition: usize, block: usize, state: usize, now: i64): i64 {
  const kind = load<i32>(definition + KIND);
  if (kind === UNLIMITED) return 0;
  if (kind === FIXED_WINDOW) {
    return now < load<i64>(state + WINDOW_END) ? load<i64>(state + USED_IN_WINDOW) : 0;
  }
  if (kind === CALENDAR) return calendar.isOver(state, now) ? 0 : load<i64>(state + USED_IN_WINDOW);
  if (kind === SLIDING_WINDOW) {
    let sum: i64 = 0;
    const log = block + load<i32>(definition + LOG);
    for (let i = lastOf(state), first = firstOf(state); i >= first; i--) {
      if (!isLive(log, i, definition, now)) break;
      sum += load<i64>(entry(log, i) + ENTRY_AMOUNT);
    }
    return sum;
  }
  const weight = load<i64>(definition + WEIGHT);
  if (isWide(kind)) {
    const debt = owed<v128>(definition, state, now);
    return i64x2.extract_lane(debt, 0) + i64(i64x2.extract_lane(debt, 1) > 0);
  }
  return (owed<i64>(definition, state, now) + weight - 1) / weight;
}

/** How many units of the new limit the `used` units of the old one become. */
function carried(old: usize, next: usize, used: i64, mode: i32, ratio: f64): i64 {
  const oldCeiling = load<i64>(old + CEILING);
  const ceiling = load<i64>(next + CEILING);
  used = max(0, min(used, MOST));
  if (mode === INHERIT_PROPORTIONAL) {
    if ((f64(used) * f64(ceiling)) / f64(oldCeiling) >= f64(MOST)) return MOST;
    const units = quotient(used, ceiling, oldCeiling);
    return units + i64(used * ceiling - units * oldCeiling > 0);
  }
  if (mode === INHERIT_AVAILABLE) {
    const free = oldCeiling - used;
    const units = ceiling - (free < 0 ? -converted(-free, ratio, true) : converted(free, ratio, false));
    return max(0, min(units, MOST));
  }
  return converted(used, ratio, true);
}

/** So many units in units of another size. A part of one counts as one if it is rounded `up`, and else as none. */
function converted(units: i64, ratio: f64, up: bool): i64 {
  if (ratio === 1) return units;
  const exact = f64(units) * ratio;
  const whole = nearest(exact);
  if (abs(exact - whole) <= exact * ROUNDING) return i64(min(whole, f64(MOST)));
  return i64(min(up ? ceil(exact) : floor(exact), f64(MOST)));
}

/** Passes on the live part of a log, newest first, up to `most` units. Returns the units that it has passed on. */
function passLog(old: usize, source: usize, state: usize, log: usize, now: i64, most: i64, ratio: f64): i64 {
  const oldState = source + load<i32>(old + STATE);
  const oldLog = source + load<i32>(old + LOG);
  const last = lastOf(oldState);
  let sum: i64 = 0;
  let passed: i64 = 0;
  let i = last;
  for (const first = firstOf(oldState); i >= first && passed < most; i--) {
    if (!isLive(oldLog, i, old, now)) break;
    sum += load<i64>(entry(oldLog, i) + ENTRY_AMOUNT);
    // Whatever leaves the window first, the rest is what it was, rounded up.
    const total = min(converted(max(0, min(sum, MOST)), ratio, true), most);
    store<i64>(entry(log, i) + ENTRY_TIME, load<i64>(entry(oldLog, i) + ENTRY_TIME));
    store<i64>(entry(log, i) + ENTRY_AMOUNT, total - passed);
    passed = total;
  }
  store<i64>(state + SUM, passed);
  store<i32>(state + FIRST, i + 1);
  store<i32>(state + COUNT, last - i);
  return passed;
}

/** Passes on a debt with `shift` units more. A shift below 0 leaves no marks: they would refund what the shift has forgiven. */
function passDebt(old: usize, oldState: usize, next: usize, state: usize, now: i64, shift: i64): void {
  const oldKind = load<i32>(old + KIND);
  const kind = load<i32>(next + KIND);
  const weight = load<i64>(old + WEIGHT);
  let units: i64;
  let rest: i64;
  if (isWide(oldKind)) {
    const debt = owed<v128>(old, oldState, now);
    units = i64x2.extract_lane(debt, 0);
    rest = i64x2.extract_lane(debt, 1);
  } else {
    const debt = owed<i64>(old, oldState, now);
    units = debt / weight;
    rest = debt - units * weight;
  }
  store<i64>(state + AT, now);
  if (units + shift >= 0) write(next, state + DEBT, isWide(kind), units + shift, rest, weight, true);
  if (shift < 0 || isShaper(oldKind) || isShaper(kind)) return;
  const oldWord = isWide(oldKind) ? 16 : 8;
  const word = isWide(kind) ? 16 : 8;
  const count = min(load<u32>(oldState + DEBT + oldWord + MARK_COUNT), MAX_MARKS);
  let mark = state + DEBT + word + MARKS;
  let kept = 0;
  for (let i: u32 = 0; i < count; i++) {
    const each = oldState + DEBT + oldWord + MARKS + i * (MARK_LOW + oldWord);
    const low = load<i64>(each + MARK_LOW);
    let lowUnits = isWide(oldKind) ? low : low / weight;
    let lowRest = isWide(oldKind) ? load<i64>(each + MARK_LOW, 8) : low - lowUnits * weight;
    const isAbove = lowUnits === units ? lowRest >= rest : lowUnits > units;
    if (isAbove) {
      lowUnits = units;
      lowRest = rest;
    }
    store<i64>(mark + MARK_STAMP, load<i64>(each + MARK_STAMP));
    write(next, mark + MARK_LOW, isWide(kind), lowUnits, lowRest, weight, false);
    kept++;
    mark += MARK_LOW + word;
    // The debt has fallen to where it is now: the older of two equal marks stands for both.
    if (isAbove) break;
  }
  store<i32>(state + DEBT + word + MARK_COUNT, kept);
}

/** Writes a debt of `units` and `rest` parts of a unit, of which there are `weight` in one. */
function write(definition: usize, at: usize, wide: bool, units: i64, rest: i64, weight: i64, up: bool): void {
  const parts = load<i64>(definition + WEIGHT);
  let part = quotient(rest, parts, weight);
  if (up && rest * parts - part * weight > 0) part++;
  if (part >= parts) {
    part -= parts;
    units++;
  }
  if (wide) store<v128>(at, charged<v128>(definition, i64x2(0, part), units));
  else store<i64>(at, charged<i64>(definition, part, units));
}

function isDebt(kind: i32): bool {
  return kind <= LEAKY_BUCKET || isWide(kind);
}

function isWide(kind: i32): bool {
  return kind === WIDE_BUCKET || kind === WIDE_LEAKY_BUCKET;
}

/** Whether a kind of debt gives nothing back, and so has no marks. */
function isShaper(kind: i32): bool {
  return kind === LEAKY_BUCKET || kind === WIDE_LEAKY_BUCKET;
}

// The mask keeps a torn pair of numbers inside the log.
function firstOf(state: usize): i32 {
  return load<i32>(state + FIRST) & (MAX_ENTRIES - 1);
}

function lastOf(state: usize): i32 {
  return firstOf(state) + i32(min(load<u32>(state + COUNT), MAX_ENTRIES - firstOf(state))) - 1;
}

function isLive(log: usize, i: i32, definition: usize, now: i64): bool {
  return load<i64>(entry(log, i) + ENTRY_TIME) > now - load<i64>(definition + WINDOW);
}

function entry(log: usize, i: i32): usize {
  return log + i * ENTRY_BYTES;
}
