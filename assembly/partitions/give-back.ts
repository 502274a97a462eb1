/**
 * The end of a participant: what it holds in partitions comes back, in one transaction for each place. It has published nothing since its
 * holdings among the limits of all have come back, and what is held in does not move: so the places are gone through once. A thread that
 * dies here leaves the rest to the next that does the same.
 */
import { isElsewhere, readHead, unchanged } from "../head";
import {
  DEFINITION_BYTES,
  DEFINITIONS,
  DIMENSION_AT,
  HELD,
  HELD_BYTES,
  IN_USE,
  KIND,
  LIMIT_FLAGS,
  LIMITS,
  PARTICIPANT,
  PER,
  RESOURCE,
  STATE,
} from "../layout";
import { lifeOf } from "../life";
import { scratchOf } from "../region";
import { INSIDE } from "../seat";
import { publish, stage } from "../staging";
import { ring } from "../wake";
import { deskOf } from "./desk";
import { passAmong } from "./ferry";
import { heldIn, hold } from "./inline";
import {
  LINE_COUNT,
  NEXT_SPARE,
  OLD_PLACE,
  OLD_SLOT,
  PART_BYTES,
  PART_COUNT,
  PART_STATE,
  PARTS,
  PINNING_AT,
  PLACE_BYTES,
  PLACES,
  SHARED_PLACE,
  SLOT,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { endPinning } from "./pinned";
import { isPinned, pin, pinningIn } from "./pins";
import { note } from "./records";
import { adopt, nextPlace, nextSlot } from "./spare";
import { LINE_BYTES, MANY, NODE_MASK, nodeAt, tablesEnd, tagIn } from "./table";

/** Whether a participant holds anything in partitions, as a block says. */
export function holdsIn(region: usize, block: usize, participant: i32): bool {
  let definition = region + DEFINITIONS;
  const end = definition + load<i32>(region + LIMITS) * DEFINITION_BYTES;
  for (; definition < end; definition += DEFINITION_BYTES) {
    if (
      load<i32>(definition + KIND) !== RESOURCE ||
      load<i32>(definition + LIMIT_FLAGS) >> DIMENSION_AT === 0
    )
      continue;
    if (load<i64>(block + load<i32>(definition + STATE) + HELD + participant * HELD_BYTES) !== 0) return true;
  }
  return false;
}

/**
 * Gives back all that `participant`, in its `life`, holds in partitions; they are not waited for by it any more. The calling thread does so in its own life `own`, and has entered.
 * Ends early if one of the lives is over. Returns false if the set has been redefined meanwhile: then there may be more in the next region.
 */
export function giveBackAll(region: usize, scratch: usize, own: i32, participant: i32, life: i32): bool {
  // It may hold something in partitions that have not gone over yet.
  while (passAmong(region, scratch, own, MANY)) {}
  const per = load<usize>(deskOf(region, load<i32>(scratch + PARTICIPANT)) + PER);
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES) {
    let place = load<usize>(table + PLACES);
    const last = place + load<u32>(table + LINE_COUNT) * LINE_BYTES;
    for (; place < last; place += PLACE_BYTES) {
      if (!holdsAt(table, place, participant)) continue;
      if (!giveBack(region, scratch, own, participant, life, table, place)) return isHere(region);
    }
    place = load<usize>(table + SHARED_PLACE);
    if (holdsAt(table, place, participant)) {
      if (!giveBack(region, scratch, own, participant, life, table, place)) return isHere(region);
    }
  }
  if (isHere(region)) endPinning(region, scratch, own, participant, scratchOf(region, participant), life);
  return isHere(region);
}

function isHere(region: usize): bool {
  return !isElsewhere(region, readHead(region));
}

/** Whether a participant holds anything in the node of a place, or waits for the partition. */
function holdsAt(table: usize, place: usize, participant: i32): bool {
  while (true) {
    const word = atomic.load<i64>(place);
    const number = u32(word) & NODE_MASK;
    if (number === 0) return false;
    const node = nodeAt(table, number);
    let held: i64 = 0;
    let part = load<usize>(table + PARTS);
    for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
      if (load<i32>(part + KIND) !== RESOURCE) continue;
      held |= heldIn(part, node + load<i32>(part + PART_STATE), participant);
    }
    // As long as the place names it, no thread writes to the node.
    const isWaitedFor = isPinned(node, participant);
    if (atomic.add<i64>(place, 0) === word) return held !== 0 || isWaitedFor;
  }
}

/** Gives back what is held in the node of a place, which is not waited for any more. Returns false, and does nothing, if one of the lives is over, or the set has been redefined. */
function giveBack(
  region: usize,
  scratch: usize,
  own: i32,
  participant: i32,
  life: i32,
  table: usize,
  place: usize,
): bool {
  const other = scratchOf(region, participant);
  const per = load<usize>(deskOf(region, load<i32>(scratch + PARTICIPANT)) + PER);
  while (true) {
    const head = readHead(region);
    // Read after the head, as in `leave`.
    if (lifeOf(scratch) !== (own | INSIDE) || (lifeOf(other) & ~INSIDE) !== life) return false;
    if (isElsewhere(region, head)) {
      if (unchanged(region, head)) return false;
      continue;
    }
    const staged = stage(region, scratch, head);
    store<usize>(per + PINNING_AT, pinningIn(region, staged));
    const node = adopt(per, table, place, 0);
    let all: i64 = 0;
    if (isPinned(node, participant)) {
      pin(per, node, participant, false);
      all = 1;
    }
    let part = load<usize>(table + PARTS);
    for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
      if (load<i32>(part + KIND) !== RESOURCE) continue;
      const state = node + load<i32>(part + PART_STATE);
      const held = heldIn(part, state, participant);
      if (held === 0) continue;
      hold(part, state, participant, 0);
      store<i64>(state + IN_USE, load<i64>(state + IN_USE) - held);
      const total = staged + load<i32>(part + STATE) + HELD + participant * HELD_BYTES;
      store<i64>(total, load<i64>(total) - held);
      all |= held;
    }
    if (all === 0) {
      if (unchanged(region, head)) return true;
      continue;
    }
    const old = load<i64>(table + OLD_PLACE);
    const slot = load<i64>(table + OLD_SLOT);
    note(region, staged, place, old, nextPlace(old, tagIn(old), u32(slot) & NODE_MASK));
    note(region, staged, load<usize>(table + SLOT), slot, nextSlot(slot, load<u32>(table + NEXT_SPARE)));
    if (publish(region, head, staged)) {
      ring(region);
      return true;
    }
  }
}
