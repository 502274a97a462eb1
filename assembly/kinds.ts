/** The one place that tells the kinds of limit apart. */
import * as calendar from "./algorithms/calendar";
import * as debt from "./algorithms/debt";
import * as fixedWindow from "./algorithms/fixed-window";
import * as gcra from "./algorithms/gcra";
import * as leakyBucket from "./algorithms/leaky-bucket";
import * as resource from "./algorithms/resource";
import * as slidingWindow from "./algorithms/sliding-window";
import * as tokenBucket from "./algorithms/token-bucket";
import {
  AHEAD,
  CALENDAR,
  CALENDAR_BYTES,
  CEILING,
  CHARGED,
  DEBT_BYTES,
  FIXED_BYTES,
  FIXED_WINDOW,
  GCRA,
  GRANTED,
  HELD,
  HELD_BYTES,
  IN_USE,
  KIND,
  LEAKY_BUCKET,
  LIMIT_FLAGS,
  LOG,
  LOG_BYTES,
  PARTICIPANT,
  PAUSED,
  RECORD_BYTES,
  REFUNDED,
  RESOURCE,
  SHADOW,
  SLIDING_BYTES,
  SLIDING_WINDOW,
  STATE,
  TOKEN_BUCKET,
  UNLIMITED,
  USED_IN_WINDOW,
  WIDE_BUCKET,
  WIDE_BYTES,
  WIDE_LEAKY_BUCKET,
  WOULD_REFUSE,
} from "./layout";
import * as numbers from "./numbers";
import { isMarked, refund } from "./refund";
import { NEVER } from "./time";

/** The shapes of a debt. */
type Narrow = i64;
type Wide = v128;

export function stateBytes(kind: i32, participants: i32): i32 {
  if (kind === RESOURCE) return HELD + participants * HELD_BYTES;
  if (kind === SLIDING_WINDOW) return SLIDING_BYTES;
  if (kind === FIXED_WINDOW) return FIXED_BYTES;
  if (kind === CALENDAR) return CALENDAR_BYTES;
  if (kind === UNLIMITED) return RECORD_BYTES;
  return kind >= WIDE_BUCKET ? WIDE_BYTES : DEBT_BYTES;
}

export function logBytes(kind: i32): i32 {
  return kind === SLIDING_WINDOW ? LOG_BYTES : 0;
}

export function define(definition: usize, capacity: i64): void {
  const kind = load<i32>(definition + KIND);
  const isWide = kind === WIDE_BUCKET || kind === WIDE_LEAKY_BUCKET;
  if (isWide || kind <= LEAKY_BUCKET) numbers.define(definition, capacity, isWide);
}

/** Whether a limit lets pass what it would refuse. */
export function isShadow(definition: usize): bool {
  return (load<i32>(definition + LIMIT_FLAGS) & SHADOW) !== 0;
}

/** A shadow has let a request pass. */
export function letPass(definition: usize, block: usize): void {
  const record = block + load<i32>(definition + STATE);
  count(record + GRANTED, 1);
  count(record + WOULD_REFUSE, 1);
}

function count(total: usize, more: i64): void {
  store<i64>(total, min(load<i64>(total) + more, fixedWindow.MOST));
}

/**
 * Takes `units` from one limit, unless it is a `dry` run. Returns 0 if the limit grants them, and would still have granted them after
 * the `demand` of the waiters before. Else it changes nothing, and returns the first microsecond at which this limit alone would grant
 * them then: NEVER if no passing of time helps. `scratch` is the participant's.
 */
export function take(
  definition: usize,
  block: usize,
  scratch: usize,
  now: i64,
  stamp: i64,
  units: i64,
  demand: i64,
  dry: bool,
): i64 {
  if (units > load<i64>(definition + CEILING)) return NEVER;
  const state = block + load<i32>(definition + STATE);
  switch (load<i32>(definition + KIND)) {
    case TOKEN_BUCKET:
      return tokenBucket.take<Narrow>(definition, state, now, stamp, units, demand, dry);
    case GCRA:
      return gcra.take<Narrow>(definition, state, now, stamp, units, demand, dry);
    case LEAKY_BUCKET:
      return leakyBucket.take<Narrow>(definition, state, now, units, demand, dry);
    case SLIDING_WINDOW:
      return slidingWindow.take(definition, state, logOf(definition, block), now, units, demand, dry);
    case FIXED_WINDOW:
      return fixedWindow.take(definition, state, now, aheadOf(scratch), units, demand, dry);
    case WIDE_BUCKET:
      return tokenBucket.take<Wide>(definition, state, now, stamp, units, demand, dry);
    case WIDE_LEAKY_BUCKET:
      return leakyBucket.take<Wide>(definition, state, now, units, demand, dry);
    case UNLIMITED:
      return 0;
    case CALENDAR:
      return calendar.take(definition, state, scratch, now, units, demand, dry);
    default:
      return resource.take(definition, state, load<i32>(scratch + PARTICIPANT), units, demand, dry);
  }
}

/** Returns the first microsecond at which a rate alone would grant one unit behind the `demand` of others, whether it is paused or not: 0 for `now`. */
export function readyAt(definition: usize, block: usize, scratch: usize, now: i64, demand: i64): i64 {
  return take(definition, block, scratch, now, 0, 1, demand, true);
}

/** Whether a limit from which a request has just taken would grant the `demand` of others now. */
export function hasRoom(definition: usize, block: usize, scratch: usize, now: i64, demand: i64): bool {
  const kind = load<i32>(definition + KIND);
  // A leaky bucket grants the next request later.
  if (kind === LEAKY_BUCKET || kind === WIDE_LEAKY_BUCKET) return false;
  return used(definition, block, scratch, now) + demand <= load<i64>(definition + CEILING);
}

/** The demand that a waiter for `units` makes: of a shadow none; of a leaky bucket, where one waiter goes after the other, the time that it takes. */
export function demandOf(definition: usize, units: i64): i64 {
  if (isShadow(definition)) return 0;
  const kind = load<i32>(definition + KIND);
  if (kind === LEAKY_BUCKET) return leakyBucket.demandOf<Narrow>(definition, units);
  if (kind === WIDE_LEAKY_BUCKET) return leakyBucket.demandOf<Wide>(definition, units);
  return units;
}

/** Settles `units` of one limit of a staged block, for the grant with this stamp: charges positive units, gives back negative ones. */
export function settle(
  definition: usize,
  block: usize,
  scratch: usize,
  now: i64,
  units: i64,
  stamp: i64,
): void {
  const state = block + load<i32>(definition + STATE);
  const kind = load<i32>(definition + KIND);
  if (kind === RESOURCE) {
    if (units < 0) resource.giveBack(state, load<i32>(scratch + PARTICIPANT), -units);
  } else if (units < 0) {
    // Other windows and the leaky bucket give nothing back: a grant has used up its place in time.
    if (kind <= GCRA) giveBack<Narrow>(definition, state, now, -units, stamp);
    else if (kind === WIDE_BUCKET) giveBack<Wide>(definition, state, now, -units, stamp);
    else if (kind === CALENDAR) count(state + REFUNDED, calendar.giveBack(state, now, -units, stamp));
  } else {
    count(state + CHARGED, units);
    charge(definition, block, scratch, now, units);
  }
}

/** Adds units to a rate without a grant, and counts them nowhere else. */
export function charge(definition: usize, block: usize, scratch: usize, now: i64, units: i64): void {
  const state = block + load<i32>(definition + STATE);
  const kind = load<i32>(definition + KIND);
  if (kind === UNLIMITED) return;
  if (kind === SLIDING_WINDOW) {
    slidingWindow.charge(definition, state, logOf(definition, block), now, units);
  } else if (kind === FIXED_WINDOW) {
    fixedWindow.charge(definition, state, now, aheadOf(scratch), units);
  } else if (kind === CALENDAR) {
    calendar.charge(definition, state, scratch, now, units);
  } else if (kind >= WIDE_BUCKET) {
    debt.charge<Wide>(definition, state, now, units);
  } else {
    debt.charge<Narrow>(definition, state, now, units);
  }
}

/** Nothing of the limit passes before `until`. It never shortens a pause. */
export function pause(definition: usize, block: usize, until: i64): void {
  const record = block + load<i32>(definition + STATE);
  store<i64>(record + PAUSED, max(load<i64>(record + PAUSED), until));
}

export function resume(definition: usize, block: usize): void {
  store<i64>(block + load<i32>(definition + STATE) + PAUSED, 0);
}

/** Leaves at most so many units of a rate, without a grant. */
export function lower(definition: usize, block: usize, scratch: usize, now: i64, left: i64): void {
  const kind = load<i32>(definition + KIND);
  const units = load<i64>(definition + CEILING) - left;
  if (kind === RESOURCE || kind === UNLIMITED || units <= 0) return;
  const state = block + load<i32>(definition + STATE);
  if (kind === SLIDING_WINDOW || kind === FIXED_WINDOW || kind === CALENDAR) {
    const missing = units - used(definition, block, scratch, now);
    if (missing > 0) charge(definition, block, scratch, now, missing);
  } else if (kind >= WIDE_BUCKET) {
    debt.raise<Wide>(definition, state, now, units);
  } else {
    debt.raise<Narrow>(definition, state, now, units);
  }
}

/** Makes a rate as if it had never been used, but for `missing` units. What is in use of a resource stays in use. */
export function reset(definition: usize, block: usize, scratch: usize, now: i64, missing: i64): void {
  const kind = load<i32>(definition + KIND);
  if (kind === RESOURCE || kind === UNLIMITED) return;
  const state = block + load<i32>(definition + STATE);
  if (kind === SLIDING_WINDOW) slidingWindow.reset(state);
  else if (kind === FIXED_WINDOW) fixedWindow.reset(definition, state, now, aheadOf(scratch));
  else if (kind === CALENDAR) calendar.reset(state, now);
  else if (kind >= WIDE_BUCKET) debt.reset<Wide>(state, now);
  else debt.reset<Narrow>(state, now);
  if (missing > 0) charge(definition, block, scratch, now, missing);
}

/** Whether a grant with this stamp, which is the latest, may have something to give back. */
export function mayGiveBack(definition: usize, block: usize, stamp: i64): bool {
  const kind = load<i32>(definition + KIND);
  const state = block + load<i32>(definition + STATE);
  if (kind === WIDE_BUCKET) return isMarked<Wide>(state, stamp);
  return kind === CALENDAR
    ? load<i64>(state + USED_IN_WINDOW) > 0
    : kind <= GCRA && isMarked<Narrow>(state, stamp);
}

/** Returns the first microsecond at which nothing of a rate is in use; `now` for a resource. */
export function fullAt(definition: usize, block: usize, scratch: usize, now: i64): i64 {
  const state = block + load<i32>(definition + STATE);
  const kind = load<i32>(definition + KIND);
  if (kind === RESOURCE || kind === UNLIMITED) return now;
  if (kind === SLIDING_WINDOW) return slidingWindow.fullAt(definition, state, logOf(definition, block), now);
  if (kind === FIXED_WINDOW) return fixedWindow.fullAt(state, now);
  if (kind === CALENDAR) return calendar.fullAt(definition, state, scratch, now);
  if (kind >= WIDE_BUCKET) return debt.fullAt<Wide>(definition, state, now);
  return debt.fullAt<Narrow>(definition, state, now);
}

/** Takes back all that a participant holds. */
export function leave(definition: usize, block: usize, participant: i32): void {
  if (load<i32>(definition + KIND) !== RESOURCE) return;
  resource.giveBack(block + load<i32>(definition + STATE), participant, i64.MAX_VALUE);
}

/** The wall clock was moved, and the set's time is now `ahead` of it. */
export function move(definition: usize, block: usize, now: i64, ahead: i64): void {
  const state = block + load<i32>(definition + STATE);
  const kind = load<i32>(definition + KIND);
  if (kind === FIXED_WINDOW) fixedWindow.move(definition, state, now, ahead);
  else if (kind === CALENDAR) calendar.move(state, now);
}

/** Returns the units in use at `now`. A part of a unit counts as one. */
export function used(definition: usize, block: usize, scratch: usize, now: i64): i64 {
  const state = block + load<i32>(definition + STATE);
  const kind = load<i32>(definition + KIND);
  if (kind === RESOURCE) return load<i64>(state + IN_USE);
  if (kind === UNLIMITED) return 0;
  if (kind === SLIDING_WINDOW) return slidingWindow.used(definition, state, logOf(definition, block), now);
  if (kind === FIXED_WINDOW) return fixedWindow.used(state, now);
  if (kind === CALENDAR) return calendar.used(definition, state, scratch, now);
  if (kind >= WIDE_BUCKET) return debt.used<Wide>(definition, state, now);
  return debt.used<Narrow>(definition, state, now);
}

function giveBack<D>(definition: usize, state: usize, now: i64, units: i64, stamp: i64): void {
  debt.leak<D>(definition, state, now);
  const back = refund<D>(definition, state, numbers.ofUnits<D>(definition, units), stamp);
  count(state + REFUNDED, numbers.unitsIn<D>(definition, back));
}

function aheadOf(scratch: usize): i64 {
  return load<i64>(scratch + AHEAD);
}

function logOf(definition: usize, block: usize): usize {
  return block + load<i32>(definition + LOG);
}
