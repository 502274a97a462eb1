/**
 * The partitions of a set that is redefined go over to tables of their own under the new definitions, each as a limit of all would:
 * inherit.ts has the rules. Names keep their hashes.
 */
import { present, readHead } from "../head";
import { inherit } from "../inherit";
import { LIMITS, UNIT_BYTES, UNITS } from "../layout";
import {
  ALL_PAUSED,
  FROM_TABLE,
  HASH,
  IS_SHARED,
  NEXT_TIER,
  NODE_TIER,
  NODES_USED,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  TABLE_BYTES,
  TABLES,
  TIER,
} from "./layout";
import { indexOf, packAll, tablesEnd, use } from "./partition";
import { partsOf, recoversAt, unpack } from "./states";
import { insert, makeRoom, nodeAt, sharedNode, takeNode } from "./table";

/**
 * Passes on the partitions `old` of the region `from` to the partitions `per` of the region `to`, which have none yet, at `now` in
 * microseconds. FROM_TABLE and NEXT_TIER say which dimension and which tier follow. In the scratch area of `to`, UNITS says for each
 * limit which of the old ones it follows (-1: none), and WAITS how many of its units one of the old ones is. `mode` is that of
 * `inherit`. A name that finds no room any more goes into the shared state.
 */
export function passPer(
  old: usize,
  from: usize,
  fromScratch: usize,
  per: usize,
  to: usize,
  scratch: usize,
  now: f64,
  mode: i32,
): void {
  const time = i64(now);
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES) {
    const before = load<usize>(table + FROM_TABLE);
    if (before === 0) continue;
    passPauses(before, table, scratch);
    const used = load<i32>(before + NODES_USED);
    for (let number = 0; number <= used; number++) {
      // The shared state first: a name without room is added to it.
      const node = number === 0 ? sharedNode(before) : nodeAt(before, number);
      if (number === 0 ? load<i32>(before + IS_SHARED) === 0 : load<i32>(node + NODE_TIER) === 0) continue;
      if (recoversAt(old, before, node, fromScratch, time) <= time) continue;
      unpackAs(old, before, node, from, table, to, scratch, now, mode);
      const block = present(readHead(to));
      const first = load<i64>(node + HASH);
      if (number > 0 && makeRoom(per, table, first, scratch, time)) {
        const next = takeNode(table);
        packAll(per, table, nodeAt(table, next), block);
        insert(table, next, first, load<i64>(node + HASH, 8));
        continue;
      }
      share(per, table, block, scratch, time);
    }
  }
}

/** Unpacks what is in a node into the present block of its own region, and from there into that of the new one. */
function unpackAs(
  old: usize,
  before: usize,
  node: usize,
  from: usize,
  table: usize,
  to: usize,
  scratch: usize,
  now: f64,
  mode: i32,
): void {
  const oldTier = load<i32>(node + NODE_TIER) - 1;
  const oldBlock = present(readHead(from));
  const block = present(readHead(to));
  use(before, oldTier, from);
  const oldParts = partsOf(before, oldTier);
  const oldEnd = oldParts + load<i32>(before + PART_COUNT) * PART_BYTES;
  for (let part = oldParts; part < oldEnd; part += PART_BYTES) unpack(old, part, part, node, oldBlock);
  const tier = load<i32>(oldParts + NEXT_TIER);
  store<i32>(table + TIER, tier);
  use(table, tier, to);
  const parts = partsOf(table, tier);
  const common = load<usize>(table + PARTS);
  for (let at = 0, end = load<i32>(table + PART_COUNT) * PART_BYTES; at < end; at += PART_BYTES) {
    const part = parts + at;
    // A limit that follows none is as for a name never seen.
    unpack(0, part, common + at, 0, block);
    const index = indexOf(part);
    const heir = heirOf(index, to, scratch, 0);
    if (heir < 0) continue;
    inherit(from, oldBlock, i32(heir), to, block, index, scratch, now, mode, heirOf(index, to, scratch, 1));
  }
}

/** A number of the plan for a limit: from UNITS, or from an array behind it. */
function heirOf(index: i32, to: usize, scratch: usize, array: i32): f64 {
  return load<f64>(scratch + UNITS + (index + array * load<i32>(to + LIMITS)) * UNIT_BYTES);
}

/** Puts what is in the block into the shared state, unless that recovers later. */
function share(per: usize, table: usize, block: usize, scratch: usize, now: i64): void {
  const shared = sharedNode(table);
  if (load<i32>(table + IS_SHARED) !== 0) {
    const spare = nodeAt(table, 0);
    packAll(per, table, spare, block);
    const isLater =
      recoversAt(per, table, spare, scratch, now) > recoversAt(per, table, shared, scratch, now);
    store<i32>(spare + NODE_TIER, 0);
    if (!isLater) return;
  }
  packAll(per, table, shared, block);
  store<i32>(table + IS_SHARED, 1);
}

/** Until when names that were never seen are paused goes over too. */
function passPauses(before: usize, table: usize, scratch: usize): void {
  const parts = load<usize>(table + PARTS);
  const oldParts = load<usize>(before + PARTS);
  for (let i = 0; i < load<i32>(table + PART_COUNT); i++) {
    const part = parts + i * PART_BYTES;
    const heir = i32(load<f64>(scratch + UNITS + indexOf(part) * UNIT_BYTES));
    for (let j = 0; j < load<i32>(before + PART_COUNT); j++) {
      const each = oldParts + j * PART_BYTES;
      if (indexOf(each) === heir) store<i64>(part + ALL_PAUSED, load<i64>(each + ALL_PAUSED));
    }
  }
}
