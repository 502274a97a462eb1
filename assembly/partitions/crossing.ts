/**
 * Where threads share a set that is redefined, its partitions go over to the tables of the next region as pass.ts says of a set of one thread:
 * each as it was when the set was redefined, when its name comes up; and some more with each call. From then on, no node before is written to.
 *
 * To go over is a part of a transaction. Its block has one more record, by which the place before becomes vacant, beside that of the place
 * from now on: so a partition is in one of the two tables, however threads overtake each other, and whichever of them dies.
 *
 * How many of the places before have been gone through stands in the block. The next redefinition lets all go over first. Until then the
 * memory of the region before is kept: see src/threads/rooms.ts.
 */
import { inherit } from "../inherit";
import * as kinds from "../kinds";
import { DESK_SCRATCH, KIND, LOG, PARTICIPANT, PARTICIPANTS, PER, RESOURCE, STATE } from "../layout";
import { fetch, leaveIn } from "./commons";
import { deskOf } from "./desk";
import { packInline, passHeld, unpackInline } from "./inline";
import {
  BEFORE_PLACE,
  BEFORE_WORD,
  EVICTED_PLACE,
  FROM_TABLE,
  HASH,
  HEIR_BYTES,
  HEIRS,
  IN_TABLE,
  IS_FRESH,
  IS_SHARED,
  NODE_BYTES,
  NODE_EPOCH,
  NODE_TIER,
  NODES_USED,
  OLD_BLOCK,
  OLD_EVICTED,
  OLD_MODE,
  OLD_PLACE,
  OLD_PLACES,
  OLD_REGION,
  OLD_SLOT,
  OLD_TIERS,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  PASSAGE,
  PASSED,
  PASSED_AT,
  PINNING_AT,
  PLACE,
  RESERVED,
  SHARED_PLACE,
  TABLE_BYTES,
  TABLES,
  TEMPORARY,
} from "./layout";
import { indexOf, use } from "./packing";
import { passPauses } from "./pass";
import { passPinning, passPins } from "./pins";
import { note } from "./records";
import { copyNode, nextPlace } from "./spare";
import { partsOf, recoversAt } from "./states";
import { find, NODE_MASK, nodeAt, tablesEnd } from "./table";

/** Whether there are partitions that have not gone over yet, as the commons say that were fetched last. */
export function isCrossing(per: usize): bool {
  const passage = load<usize>(per + PASSAGE);
  return passage !== 0 && load<i32>(per + PASSED) < load<i32>(passage + OLD_PLACES);
}

/**
 * Begins it in `block`, which is about to be the first one of the region `next`: `source` is the present block of `region`, whose records are
 * done. What all names have in common goes over at once. `own` is the scratch area of the participant in the next region.
 */
export function beginCrossing(source: usize, next: usize, own: usize, block: usize, now: i64): void {
  const participant = load<i32>(own + PARTICIPANT);
  const desk = deskOf(next, participant);
  const per = load<usize>(desk + PER);
  const passage = load<usize>(per + PASSAGE);
  // There, all is 0.
  fetch(per, desk, block);
  let old: usize = 0;
  if (passage !== 0) {
    store<usize>(passage + OLD_BLOCK, source);
    store<i64>(passage + PASSED_AT, now);
    old = deskBefore(per, participant);
    passPinning(per, load<usize>(load<usize>(old + PER) + PINNING_AT), load<usize>(per + PINNING_AT));
  }
  const shared = u32(load<i32>(next + PARTICIPANTS) + 1);
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES) {
    store<i32>(table + NODES_USED, shared);
    const node = nodeAt(table, shared);
    // An earlier attempt may have left something there.
    memory.fill(node, 0, load<i32>(table + NODE_BYTES));
    if (load<usize>(table + FROM_TABLE) === 0) continue;
    const before = tableBefore(old, table);
    store<i32>(table + RESERVED, load<i32>(before + IN_TABLE));
    passPauses(before, table, passage);
    if (load<i32>(before + IS_SHARED) === 0) continue;
    if (!lift(per, table, old, before, load<usize>(before + SHARED_PLACE), own)) continue;
    convertNode(desk, per, table, old, before, node);
    store<i32>(table + IS_SHARED, 1);
  }
  leaveIn(per, desk, block);
}

/** Looks for the partition of a name in the table before. Returns whether it is there, so that it has to go over. */
export function isBefore(desk: usize, per: usize, table: usize, first: i64, second: i64): bool {
  if (load<usize>(table + FROM_TABLE) === 0 || !isCrossing(per)) return false;
  const scratch = load<usize>(desk + DESK_SCRATCH);
  const old = deskBefore(per, load<i32>(scratch + PARTICIPANT));
  const before = tableBefore(old, table);
  if (find(before, first, second) === 0) return false;
  return lift(per, table, old, before, load<usize>(before + PLACE), scratch);
}

/** Writes the partition that was found last to the participant's spare node, under the present definitions. Returns the node. */
export function land(desk: usize, per: usize, table: usize): usize {
  const participant = load<i32>(load<usize>(desk + DESK_SCRATCH) + PARTICIPANT);
  const old = deskOf(load<usize>(load<usize>(per + PASSAGE) + OLD_REGION), participant);
  const spare = nodeAt(table, u32(load<i64>(table + OLD_SLOT)) & NODE_MASK);
  convertNode(desk, per, table, old, tableBefore(old, table), spare);
  return spare;
}

/** Notes in a block that the place before becomes vacant. */
export function noteBefore(region: usize, block: usize, table: usize): void {
  const word = load<i64>(table + BEFORE_WORD);
  note(region, block, load<usize>(table + BEFORE_PLACE), word, nextPlace(word, 0, 0));
  store<i32>(table + RESERVED, load<i32>(table + RESERVED) - 1);
}

/** Notes in a block that the spare node gets the place that was found for it. */
export function noteArrival(region: usize, block: usize, table: usize, tag: u32): void {
  const old = load<i64>(table + OLD_PLACE);
  const spare = u32(load<i64>(table + OLD_SLOT)) & NODE_MASK;
  note(region, block, load<usize>(table + PLACE), old, nextPlace(old, tag, spare));
  const evicted = load<usize>(table + EVICTED_PLACE);
  if (evicted !== 0) {
    const gone = load<i64>(table + OLD_EVICTED);
    note(region, block, evicted, gone, nextPlace(gone, 0, 0));
  }
  if (load<i32>(table + IS_FRESH) === 0) return;
  store<i32>(table + NODES_USED, load<i32>(table + NODES_USED) + 1);
  store<i32>(table + IN_TABLE, load<i32>(table + IN_TABLE) + 1);
}

/** The desk that the participant has in the region before, with the commons as they were last. */
export function deskBefore(per: usize, participant: i32): usize {
  const passage = load<usize>(per + PASSAGE);
  const desk = deskOf(load<usize>(passage + OLD_REGION), participant);
  fetch(load<usize>(desk + PER), desk, load<usize>(passage + OLD_BLOCK));
  return desk;
}

function tableBefore(old: usize, table: usize): usize {
  return load<usize>(load<usize>(old + PER) + TABLES) + (load<usize>(table + FROM_TABLE) - 1) * TABLE_BYTES;
}

/**
 * Copies the node of a place before to the spare node of the participant there. Returns false if it had recovered when the set was redefined: then
 * it answers as one that was never seen.
 */
export function lift(
  per: usize,
  table: usize,
  old: usize,
  before: usize,
  place: usize,
  scratch: usize,
): bool {
  const word = atomic.load<i64>(place);
  const number = u32(word) & NODE_MASK;
  if (number === 0) return false;
  const node = copyNode(load<usize>(old + PER), before, nodeAt(before, number), 0);
  const at = load<i64>(load<usize>(per + PASSAGE) + PASSED_AT);
  if (recoversAt(load<usize>(old + PER), before, node, scratch, at) <= at) return false;
  store<usize>(table + BEFORE_PLACE, place);
  store<i64>(table + BEFORE_WORD, word);
  return true;
}

/** Writes the partition that was lifted from a table before to the node `into`. */
function convertNode(desk: usize, per: usize, table: usize, old: usize, before: usize, into: usize): void {
  const passage = load<usize>(per + PASSAGE);
  const scratch = load<usize>(desk + DESK_SCRATCH);
  const participant = load<i32>(scratch + PARTICIPANT);
  const from = nodeAt(before, u32(load<i64>(before + OLD_SLOT)) & NODE_MASK);
  const oldTier = i32(load<u16>(from + NODE_TIER)) - 1;
  const room = load<usize>(load<usize>(old + PER) + TEMPORARY);
  use(before, oldTier, old);
  const oldParts = partsOf(before, oldTier);
  const oldEnd = oldParts + load<i32>(before + PART_COUNT) * PART_BYTES;
  for (let part = oldParts; part < oldEnd; part += PART_BYTES) {
    unpackInline(part, part, from, room, participant);
  }
  const tier = load<i32>(passage + load<i32>(passage + OLD_TIERS) + oldTier * 4);
  use(table, tier, desk);
  const block = load<usize>(per + TEMPORARY);
  const now = f64(load<i64>(passage + PASSED_AT));
  const mode = load<i32>(passage + OLD_MODE);
  const parts = partsOf(table, tier);
  memory.fill(into, 0, load<i32>(table + NODE_BYTES));
  for (let at = 0, end = load<i32>(table + PART_COUNT) * PART_BYTES; at < end; at += PART_BYTES) {
    const part = parts + at;
    const state = block + load<i32>(part + STATE);
    // A limit that follows none is as for a name never seen.
    unpackInline(part, load<usize>(table + PARTS) + at, 0, block, participant);
    const index = indexOf(part);
    const heir = passage + HEIRS + index * HEIR_BYTES;
    const follows = i32(load<f64>(heir));
    if (follows >= 0 && load<i32>(part + KIND) !== RESOURCE) {
      memory.fill(state, 0, kinds.stateBytes(load<i32>(part + KIND), 1));
      inherit(old, room, follows, desk, block, index, scratch, now, mode, load<f64>(heir, 8));
    }
    packInline(part, into, state, block + load<i32>(part + LOG), participant, 0);
    if (follows < 0 || load<i32>(part + KIND) !== RESOURCE) continue;
    for (let each = oldParts; each < oldEnd; each += PART_BYTES) {
      if (indexOf(each) === follows) passHeld(each, from, part, into);
    }
  }
  memory.copy(into + HASH, from + HASH, 16);
  passPins(per, from, into);
  store<u16>(into + NODE_TIER, u16(tier + 1));
  // All that was done to all partitions since then is still to be done to it.
  store<i32>(into + NODE_EPOCH, 0);
}
