/** The transactions that change limits, and take nothing. */
import { BEHIND, MOVED } from "./commit";
import { isElsewhere, readHead, unchanged } from "./head";
import * as kinds from "./kinds";
import {
  DEFINITION_BYTES,
  DEFINITIONS,
  LATEST,
  LIMITS,
  LOWER,
  PAUSE,
  REPEATS,
  RESET,
  RESET_AT,
  RESUME,
  UNIT_BYTES,
  UNITS,
} from "./layout";
import { isDead } from "./life";
import { publish, stage } from "./staging";
import { LAST, microseconds, NEVER, TOLERANCE } from "./time";
import { wake } from "./wake";

/** With RESET: also of all partitions of a dimension of which none is named. */
export const EVERY = 4;

/**
 * Does `action` to each limit whose UNITS are not below 0, all in one transaction. `ms` is the clock's reading in milliseconds.
 *
 * - PAUSE: nothing passes for so many microseconds. RESUME: ends the pause.
 * - LOWER: so many units are left at most.
 * - RESET: as if never used, but for so many units. With EVERY, it is a reset of partitions that are not named, too.
 *
 * Returns the time, BEHIND, MOVED or NaN as `transact` does. The calling thread has entered.
 */
export function change(region: usize, scratch: usize, life: i32, ms: f64, action: i32): f64 {
  const isOfEvery = (action & EVERY) !== 0;
  action &= ~EVERY;
  const first = region + DEFINITIONS;
  const end = first + load<i32>(region + LIMITS) * DEFINITION_BYTES;
  const reading = microseconds(ms);
  while (true) {
    const head = readHead(region);
    if (isDead(scratch, life)) return NaN;
    if (isElsewhere(region, head)) {
      if (unchanged(region, head)) return MOVED;
      continue;
    }
    const staged = stage(region, scratch, head);
    let now = load<i64>(staged + LATEST);
    if (now < reading) now = reading;
    else if (now - reading > TOLERANCE && reading >= 0 && unchanged(region, head)) return BEHIND;
    if (action === RESET) {
      // A microsecond has two halves. Grants of the later one must not give back what is granted after yet another reset.
      const isAnother = now + 1 === load<i64>(staged + RESET_AT);
      if (isAnother && (isOfEvery || grantedIn(now + now + 1, first, end, staged, scratch))) now++;
      store<i64>(staged + RESET_AT, now + 1);
    }
    let units = scratch + UNITS;
    for (let each = first; each < end; each += DEFINITION_BYTES, units += UNIT_BYTES) {
      const amount = load<f64>(units);
      if (amount < 0) continue;
      if (action === PAUSE) {
        kinds.pause(each, staged, amount > f64(LAST) ? NEVER : now + i64(amount));
      } else if (action === RESUME) {
        kinds.resume(each, staged);
      } else if (action === LOWER) {
        kinds.lower(each, staged, scratch, now, i64(amount));
      } else {
        kinds.reset(each, staged, scratch, now, i64(amount));
      }
    }
    store<i64>(staged + LATEST, now);
    if (publish(region, head, staged)) {
      wake(region);
      return f64(now);
    }
    store<f64>(scratch + REPEATS, load<f64>(scratch + REPEATS) + 1);
  }
}

/** Whether a grant with this stamp may have something to give back to a limit that is reset. */
function grantedIn(stamp: i64, first: usize, end: usize, staged: usize, scratch: usize): bool {
  let units = scratch + UNITS;
  for (let each = first; each < end; each += DEFINITION_BYTES, units += UNIT_BYTES) {
    if (load<f64>(units) >= 0 && kinds.mayGiveBack(each, staged, stamp)) return true;
  }
  return false;
}
