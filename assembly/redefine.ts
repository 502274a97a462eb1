/**
 * To redefine a set is one more transaction. A thread lays out a region by the new definitions, which nothing names yet, and writes
 * into a block of it what the present block has under the old ones. One swap of the head then puts the new definitions into force
 * together with the state: no thread ever takes by a mixture of the two. A thread that is still in the old region finds that the
 * head's block belongs to another, and does nothing before it has read the new definitions.
 *
 * The old block is only read. It may be torn, and what was made of it is then thrown away, as in any transaction.
 */
import { MOVED } from "./commit";
import { isElsewhere, present, readHead, swap, unchanged } from "./head";
import { inherit } from "./inherit";
import * as kinds from "./kinds";
import {
  BLOCK_BYTES,
  CLAIM_COUNT,
  DEFINITION_BYTES,
  DEFINITIONS,
  DIMENSION_AT,
  INHERIT_FRESH,
  LATEST,
  LIMIT_FLAGS,
  LIMITS,
  OWN,
  PARTICIPANT,
  RESET_AT,
  SHIFT,
  UNIT_BYTES,
  UNITS,
} from "./layout";
import { isDead } from "./life";
import { hasCommons } from "./partitions/commons";
import { beginCrossing } from "./partitions/crossing";
import { passAmong } from "./partitions/ferry";
import { LAST } from "./partitions/layout";
import { finish } from "./partitions/records";
import { scratchOf } from "./region";
import { microseconds } from "./time";
import { ring } from "./wake";

/** So many partitions at a time go over, until none is left. */
const MANY = 64;

/**
 * Puts the region `next` in the place of `region`. In the participant's scratch area there, UNITS says for each limit which of the
 * old limits it follows (-1: none), WAITS how many of its units one of the old ones is, and DEMAND the units that are charged to it
 * besides. `mode` says how much of the old state carries over: see inherit.ts. `ms` is the clock's reading.
 *
 * Returns the time in microseconds. Returns MOVED or NaN, and does nothing, where `transact` does; a reading that is behind the state
 * stands still. Claims are dropped: their waiters make new ones. The calling thread has entered.
 */
export function redefine(region: usize, scratch: usize, life: i32, next: usize, ms: f64, mode: i32): f64 {
  // The partitions before those of the present region have to be gone.
  if (hasCommons(region)) while (passAmong(region, scratch, life, MANY)) {}
  const own = scratchOf(next, load<i32>(scratch + PARTICIPANT));
  const block = load<usize>(own + OWN);
  const count = load<i32>(next + LIMITS);
  const arrays = count * UNIT_BYTES;
  const reading = microseconds(ms) + load<i64>(scratch + SHIFT);
  while (true) {
    const head = readHead(region);
    if (isDead(scratch, life)) return NaN;
    if (isElsewhere(region, head)) {
      if (unchanged(region, head)) return MOVED;
      continue;
    }
    const source = present(head);
    if (hasCommons(region)) {
      const free = load<usize>(scratch + OWN);
      finish(region, head, source, free === source ? free + load<i32>(region + BLOCK_BYTES) : free);
    }
    // All but the word that says to which region the block belongs: an earlier attempt has left its state.
    memory.fill(block + CLAIM_COUNT, 0, load<i32>(next + BLOCK_BYTES) - CLAIM_COUNT);
    const now = max(reading, load<i64>(source + LATEST));
    store<i64>(block + LATEST, now);
    store<i64>(block + RESET_AT, load<i64>(source + RESET_AT));
    for (let i = 0; i < count; i++) {
      const plan = own + UNITS + i * UNIT_BYTES;
      const index = i32(load<f64>(plan));
      const definition = next + DEFINITIONS + i * DEFINITION_BYTES;
      // Of a limit that has partitions, the block has the totals, and what participants hold of all partitions together.
      const how = load<i32>(definition + LIMIT_FLAGS) >> DIMENSION_AT === 0 ? mode : INHERIT_FRESH;
      if (index >= 0)
        inherit(region, source, index, next, block, i, own, f64(now), how, load<f64>(plan + arrays));
      const lost = load<f64>(plan + 2 * arrays);
      if (lost > 0) kinds.charge(definition, block, own, now, i64(lost));
    }
    if (hasCommons(next)) beginCrossing(source, next, own, block, now);
    if (!swap(region, head, block)) continue;
    store<usize>(region + LAST, source);
    ring(region);
    return f64(now);
  }
}
