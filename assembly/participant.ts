/** The transactions that concern a participant as such: the correction of its time, and its end. */
import * as claims from "./claims";
import { MOVED } from "./commit";
import { isAlone, isElsewhere, readHead, unchanged } from "./head";
import * as kinds from "./kinds";
import {
  AHEAD,
  DEFINITION_BYTES,
  DEFINITIONS,
  DIMENSION_AT,
  LATEST,
  LIMIT_FLAGS,
  LIMITS,
  PARTICIPANT,
  SHIFT,
} from "./layout";
import { isDead, lifeOf } from "./life";
import { hasCommons, moveIn } from "./partitions/commons";
import { giveBackAll, holdsIn } from "./partitions/give-back";
import { followingIn, hasBit, pinningIn, setBit } from "./partitions/pins";
import { scratchOf } from "./region";
import { INSIDE } from "./seat";
import { publish, stage } from "./staging";
import { microseconds, TOLERANCE } from "./time";
import { ring, wake } from "./wake";

/**
 * Corrects the time of a participant, whose clock's reading `ms` is the first to which these steps apply. `shift` microseconds are
 * added to its readings from now on; and its readings are `ahead` more of its wall clock than before. If the reading is more than
 * TOLERANCE behind the state then, the difference is added too. Returns its SHIFT. No other participant's time moves. The calling thread has entered.
 * Returns MOVED, and does nothing, if the set has been redefined.
 */
export function correct(region: usize, scratch: usize, life: i32, ms: f64, shift: f64, ahead: f64): f64 {
  const first = region + DEFINITIONS;
  const end = first + load<i32>(region + LIMITS) * DEFINITION_BYTES;
  while (true) {
    const head = readHead(region);
    if (isDead(scratch, life)) return 0;
    if (isElsewhere(region, head)) {
      if (unchanged(region, head)) return MOVED;
      continue;
    }
    const staged = stage(region, scratch, head);
    const latest = load<i64>(staged + LATEST);
    let added = i64(shift);
    const reading = microseconds(ms) + load<i64>(scratch + SHIFT) + added;
    if (latest - reading > TOLERANCE) added += latest - reading;
    const total = load<i64>(scratch + AHEAD) + added + i64(ahead);
    if (total !== load<i64>(scratch + AHEAD)) {
      const now = max(latest, reading);
      for (let each = first; each < end; each += DEFINITION_BYTES) kinds.move(each, staged, now, total);
      if (hasCommons(region)) moveIn(region, staged, now, total);
      store<i64>(staged + LATEST, now);
    }
    // They would not be known again by the new time. The waiters make new ones.
    const dropped = !isAlone(region) && claims.drop(region, staged, load<i32>(scratch + PARTICIPANT), 0);
    if (!publish(region, head, staged)) continue;
    store<i64>(scratch + SHIFT, load<i64>(scratch + SHIFT) + added);
    store<i64>(scratch + AHEAD, total);
    if (dropped) wake(region);
    return f64(load<i64>(scratch + SHIFT));
  }
}

/**
 * Withdraws the claim of a participant's waiter that came at `since`, in microseconds. If that is 0, withdraws all claims of the
 * participant, and gives back all that it holds. The calling thread does so in its own life `own`, and has entered. Does nothing
 * if that is over, or if LIFE of `participant`, but for INSIDE, is not `life` any more. Returns false if the set has been redefined: then it is to
 * be done in the next region.
 */
export function leave(
  region: usize,
  scratch: usize,
  own: i32,
  participant: i32,
  life: i32,
  since: f64,
): bool {
  const other = scratchOf(region, participant);
  const definition = region + DEFINITIONS;
  const end = definition + load<i32>(region + LIMITS) * DEFINITION_BYTES;
  while (true) {
    const head = readHead(region);
    // Both are read after the head. A thread that gets one of the numbers later moves the head with its first transaction, and the
    // swap below fails.
    if (lifeOf(scratch) !== (own | INSIDE) || (lifeOf(other) & ~INSIDE) !== life) return true;
    if (isElsewhere(region, head)) {
      if (unchanged(region, head)) return false;
      continue;
    }
    const staged = stage(region, scratch, head);
    const came = since === 0 ? 0 : i64(since) + load<i64>(other + SHIFT);
    const dropped = claims.drop(region, staged, participant, came);
    if (since !== 0) {
      if (dropped) {
        if (publish(region, head, staged)) break;
      } else if (unchanged(region, head)) {
        return true;
      }
      continue;
    }
    const hasPartitions = hasCommons(region);
    let holds = false;
    if (hasPartitions) {
      holds = holdsIn(region, staged, participant) || hasBit(pinningIn(region, staged), participant);
      setBit(followingIn(region, staged), participant, false);
    }
    for (let each = definition; each < end; each += DEFINITION_BYTES) {
      if (hasPartitions && load<i32>(each + LIMIT_FLAGS) >> DIMENSION_AT !== 0) continue;
      kinds.leave(each, staged, participant);
    }
    if (other === scratch) {
      // The number's next thread has a clock of its own.
      store<i64>(scratch + SHIFT, 0);
      store<i64>(scratch + AHEAD, 0);
    }
    if (publish(region, head, staged)) {
      // Rings even if the flag is down: the participant may have died after it cleared the flag and before it woke the sleepers.
      ring(region);
      return !holds || giveBackAll(region, scratch, own, participant, life);
    }
  }
  wake(region);
  return true;
}
