/**
 * The transaction. The head of a set is one 64-bit word, which names the block with the present state. To change the
 * state, a thread copies that block to one of its own two blocks, the one that is not the present block, runs the
 * algorithms on the copy, and publishes it by one compare-and-swap of the head. So all limits of a request change
 * together or not at all; a swap fails only where another thread's swap has succeeded; and a participant that dies
 * leaves behind two blocks and nothing else.
 *
 * The only participant of a region changes the present block in place wherever that costs less: no other thread reads it.
 *
 * A reader may copy a block while its owner writes to it again. The result is then thrown away: the owner got the block
 * back only because the head had moved on, and the reader's own swap fails. Until then torn numbers may give wrong
 * answers, but no trap and no endless loop.
 *
 * The version in the head makes a swap fail even where the same block has become the present one again in between.
 */
import { UNKNOWN } from "./algorithms/calendar";
import { ask } from "./ask";
import * as claims from "./claims";
import { isAlone, isElsewhere, present, readHead, unchanged } from "./head";
import {
  ACTION,
  AFTER,
  COUNTED,
  DEFINITION_BYTES,
  DEFINITIONS,
  INSPECT,
  LATEST,
  LIMITS,
  PARTICIPANT,
  PROBE,
  REPEATS,
  RESET_AT,
  SETTLE,
  SHIFT,
  TAKE,
  UNIT_BYTES,
  UNITS,
} from "./layout";
import { isDead } from "./life";
import { askAll, readAll, settleAll, wantOneOfAll } from "./request";
import { publish, stage } from "./staging";
import { microseconds, stampOf, stampOfToken, TOLERANCE, tokenOfStamp, wait } from "./time";
import { countRefusal, report } from "./totals";
import { wake } from "./wake";

/** The attempt has come to nothing, since another thread published first. */
const AGAIN = f64.POSITIVE_INFINITY;
/** A set of so many limits is copied in less time than its limits are asked twice. */
const FEW = 8;
/** Nothing was done: the clock's reading is so far behind the state that `correct` has to come first. */
export const BEHIND = -f64.MAX_VALUE;
/** Nothing was done: the set has been redefined, and its present block belongs to another region. */
export const MOVED = -f64.MAX_VALUE / 2;

/**
 * Does `action` for each limit. `ms` is the clock's reading in milliseconds, with the participant's SHIFT.
 *
 * - TAKE takes UNITS from all limits, and returns the token of the grant: its time in microseconds, half a microsecond later after a
 *   reset. WAITS is LET_PASS where a limit lets the request pass that it would refuse. Or it takes nothing, and returns
 *   minus the milliseconds until this request alone could pass: -Infinity if that needs a release. WAITS then has the
 *   milliseconds for each limit that refuses, and 0 for the others; REFUSER names the limit if only one refuses. With COUNTED
 *   a refusal counts in the totals. PROBE answers the same, and takes nothing in either case. `since` is when the request came,
 *   in microseconds: 0 if that is now, negative if it is nested.
 * - SETTLE charges the positive UNITS and gives back the negative ones, for the acquisition with the token `since`. Giving back
 *   needs no reading of the clock, so that `ms` may be below 0: later leaks start from the rest.
 * - INSPECT reads all limits at one moment. UNITS then has the units in use, and WAITS the milliseconds that one unit
 *   would have to wait. With COUNTED, REPORT has the rest of the stats.
 * - With AFTER, each limit has to grant its DEMAND first: that of the waiters before the request. Nothing of it is taken.
 *
 * Only the limits from `first` until `end` are asked, or all if both are 0: UNITS and WAITS of the others are neither read nor written.
 *
 * Returns BEHIND, and does nothing, if `ms` is more than TOLERANCE behind the state; MOVED, if the set has been redefined; ASK, if it
 * does not know the window of a calendar. SETTLE does not ask.
 * Among several participants, `enter` comes before UNITS are written, and `exit` after the answer has been read. Returns NaN, and
 * does nothing, if the participant's `life` is over.
 */
export function transact(
  region: usize,
  scratch: usize,
  life: i32,
  ms: f64,
  action: i32,
  since: f64,
  first: i32,
  end: i32,
): f64 {
  const count = load<i32>(region + LIMITS);
  const waits = count * UNIT_BYTES;
  const demands = (action & AFTER) !== 0 ? 2 * waits : 0;
  const isCounted = (action & COUNTED) !== 0;
  action &= ACTION;
  const reading = microseconds(ms);
  const begin = region + DEFINITIONS + first * DEFINITION_BYTES;
  if (end === 0) end = count;
  const last = region + DEFINITIONS + end * DEFINITION_BYTES;
  // The only participant of a region needs no copy: a settlement is never refused, and a limit that refuses changes nothing. Of
  // several limits, all are asked first, where that costs less than a copy of all that there are.
  const isSingle = last - begin === DEFINITION_BYTES;
  const inPlace = isAlone(region) && (action === SETTLE || (action === TAKE && (isSingle || count > FEW)));
  while (true) {
    const head = readHead(region);
    // Read after the head: what a reclaimed thread holds is given back by a swap that follows the end of its life.
    if (isDead(scratch, life)) return NaN;
    if (isElsewhere(region, head)) {
      if (unchanged(region, head)) return MOVED;
      continue;
    }
    const staged = inPlace ? present(head) : stage(region, scratch, head);
    // A set's time never runs backwards.
    let now = load<i64>(staged + LATEST);
    if (now < reading) now = reading;
    else if (now - reading > TOLERANCE && reading >= 0 && unchanged(region, head)) return BEHIND;
    const stamp = action === SETTLE ? stampOfToken(since) : stampOf(now, load<i64>(staged + RESET_AT));
    if (action === INSPECT && isCounted) report(region, scratch, staged, reading, now);
    const units = scratch + UNITS + first * UNIT_BYTES;
    let latest: i64 = 0;
    if (action === SETTLE) {
      settleAll(begin, last, units, staged, scratch, now, stamp);
    } else {
      if (action === INSPECT) wantOneOfAll(units, end - first);
      const dry = action === INSPECT || (inPlace && !isSingle);
      latest = askAll(begin, last, units, staged, scratch, now, stamp, dry, waits, demands, reading);
      if (dry && action === TAKE && latest === 0) {
        askAll(begin, last, units, staged, scratch, now, stamp, false, waits, demands, reading);
      }
      if (latest === UNKNOWN) return ask(region, staged, scratch, waits, now);
      if (action === INSPECT) readAll(begin, last, units, staged, scratch, now);
    }
    if (action === SETTLE || (action === TAKE && latest === 0 && !claims.stand(staged))) {
      store<i64>(staged + LATEST, now);
      if (publish(region, head, staged)) {
        if (action === SETTLE) {
          wake(region);
          return f64(now);
        }
        return tokenOfStamp(stamp);
      }
    } else if (isAlone(region)) {
      // There is no other thread that could have a claim, or could have published.
      if (latest === 0) return f64(now);
      if (isCounted && action === TAKE) countRefusal(region, scratch, first, end);
      return -wait(reading, latest);
    } else {
      const came = since === 0 ? now : i64(abs(since)) + load<i64>(scratch + SHIFT);
      const answer = decide(region, scratch, head, staged, reading, came, since < 0, action, latest, demands);
      if (answer !== AGAIN) {
        if (isCounted && action === TAKE && answer < 0) countRefusal(region, scratch, first, end);
        return answer;
      }
    }
    store<f64>(scratch + REPEATS, load<f64>(scratch + REPEATS) + 1);
  }
}

/**
 * Ends an attempt of one thread among several: one that the limits refuse until `latest`, or that claims may hold back,
 * or that takes nothing. Returns the answer, or AGAIN.
 */
export function decide(
  region: usize,
  scratch: usize,
  head: i64,
  staged: usize,
  reading: i64,
  came: i64,
  nested: bool,
  action: i32,
  latest: i64,
  demands: i32,
): f64 {
  const now = max(reading, load<i64>(staged + LATEST));
  const claimed = claims.stand(staged);
  if (claimed && action <= PROBE && latest === 0) {
    latest = claims.holdBack(region, scratch, staged, reading, now, came, nested, demands);
  }
  if (action === TAKE && latest === 0) {
    store<i64>(staged + LATEST, now);
    const dropped = claims.drop(region, staged, load<i32>(scratch + PARTICIPANT), came);
    if (!publish(region, head, staged)) return AGAIN;
    if (dropped) wake(region);
    return tokenOfStamp(stampOf(now, load<i64>(staged + RESET_AT)));
  }
  const done =
    action === TAKE && claims.isPressing(region, now, came, latest)
      ? press(region, scratch, head, now, came, nested, latest)
      : unchanged(region, head);
  if (!done) return AGAIN;
  return latest === 0 ? f64(now) : -wait(reading, latest);
}

/**
 * Publishes the claim of a refused request and the renewals that it asks for, if there are any. Returns false if another thread
 * published first.
 */
function press(
  region: usize,
  scratch: usize,
  head: i64,
  now: i64,
  came: i64,
  nested: bool,
  latest: i64,
): bool {
  // Staged anew, since some limits may have granted in the first copy.
  const staged = stage(region, scratch, head);
  if (!claims.press(region, scratch, staged, now, came, nested, latest)) return unchanged(region, head);
  if (!publish(region, head, staged)) return false;
  // Only a renewal that is asked for wakes threads: a new claim gives none of them a turn.
  if (claims.asks(now, latest)) wake(region);
  return true;
}
