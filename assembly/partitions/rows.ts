/**
 * Partitions as bytes, which a storage can keep one by one. A row passes through the participant's spare block, which is free between
 * transactions.
 *
 * ```
 * HASH | NODE_TIER i32 | NODE_EPOCH i32 | for each limit: its pause, the words of its state, and all items
 * ```
 */
import { present, readHead } from "../head";
import { BLOCK_BYTES, LATEST, OWN, STATES } from "../layout";
import { microseconds } from "../time";
import { copy, packItems, unpackItems } from "./items";
import {
  FIXED,
  HASH,
  IS_SHARED,
  ITEM,
  ITEM_COUNT,
  ITEM_LINK,
  NODE_BYTES,
  NODE_EPOCH,
  NODE_STATES,
  NODE_TIER,
  NODES,
  NODES_USED,
  PART_BYTES,
  PART_COUNT,
  PART_STATE,
  PAUSED_BYTES,
  PLACE,
  ROW_HAS_NO_ROOM,
  ROW_IS_KEPT,
  ROW_IS_RECOVERED,
  ROW_IS_UNREADABLE,
  ROW_OF_HASH,
  ROW_OF_SHARED,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { NODE_PAUSED, partsOf, recoversAt } from "./states";
import { evict, find, giveNode, insert, makeRoom, nodeAt, sharedNode, takeNode } from "./table";

/** Returns where a row passes through: where the states of the spare block are, since what is before them stays. */
export function rowAt(region: usize, scratch: usize): usize {
  const own = load<usize>(scratch + OWN);
  return STATES + (own === present(readHead(region)) ? own + load<i32>(region + BLOCK_BYTES) : own);
}

/** Whether a name with the hash at `row` has a node in the dimension `index`. */
export function hasRow(per: usize, index: i32, row: usize): bool {
  return findIn(tableAt(per, index), row) !== 0;
}

/**
 * Writes the row of a partition of the dimension `index`: of the node `which`, of the name with the hash that stands there, or of the
 * shared state. Returns its size; 0 if there is none, or if it answers as one that was never seen: then it is forgotten.
 */
export function writeRow(per: usize, region: usize, scratch: usize, index: i32, which: i32, ms: f64): i32 {
  const table = tableAt(per, index);
  const row = rowAt(region, scratch);
  const isShared = which === ROW_OF_SHARED;
  let node = isShared ? sharedNode(table) : 0;
  if (isShared) {
    if (load<i32>(table + IS_SHARED) === 0) return 0;
  } else {
    if (which !== ROW_OF_HASH) {
      node = which > load<i32>(table + NODES_USED) ? 0 : nodeAt(table, which);
      if (node === 0 || i32(load<u16>(node + NODE_TIER)) === 0) return 0;
      copy(row, node + HASH, 16);
    }
    node = findIn(table, row);
    if (node === 0) return 0;
  }
  const now = timeOf(region, ms);
  if (recoversAt(per, table, node, scratch, now) <= now) {
    if (isShared) store<i32>(table + IS_SHARED, 0);
    else evict(per, table, numberOf(table, node), load<usize>(table + PLACE));
    return 0;
  }
  // In a row it is not waited for.
  const tier = i32(load<u16>(node + NODE_TIER));
  store<i32>(row + NODE_TIER, tier);
  store<i32>(row + NODE_EPOCH, load<i32>(node + NODE_EPOCH));
  let at = row + NODE_STATES;
  let part = partsOf(table, tier - 1);
  for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
    const state = node + load<i32>(part + PART_STATE);
    const words = PAUSED_BYTES + load<i32>(part + FIXED);
    copy(at, state + NODE_PAUSED, words);
    at += words;
    const size = load<i32>(part + ITEM);
    if (size === 0) continue;
    unpackItems(per, part, state, at);
    at += size * load<i32>(state + load<i32>(part + ITEM_COUNT));
  }
  return i32(at - row);
}

/**
 * Reads a row of so many bytes, of a partition of the dimension `index` or of its shared state. Its tier is one of the set's. Returns
 * what has become of it.
 */
export function readRow(
  per: usize,
  region: usize,
  scratch: usize,
  index: i32,
  isShared: bool,
  bytes: i32,
  ms: f64,
): i32 {
  const table = tableAt(per, index);
  const row = rowAt(region, scratch);
  const tier = load<i32>(row + NODE_TIER);
  const parts = partsOf(table, tier - 1);
  const end = parts + load<i32>(table + PART_COUNT) * PART_BYTES;
  if (sizeOf(row, parts, end, bytes) !== bytes) return ROW_IS_UNREADABLE;
  const now = timeOf(region, ms);
  const first = load<i64>(row + HASH);
  let number: u32 = 0;
  let node = sharedNode(table);
  if (!isShared) {
    if (findIn(table, row) !== 0) return ROW_IS_KEPT;
    if (makeRoom(per, table, first, scratch, now) !== 0) return ROW_HAS_NO_ROOM;
    number = takeNode(table);
    node = nodeAt(table, number);
  }
  store<i32>(node + NODE_TIER, tier);
  store<i32>(node + NODE_EPOCH, load<i32>(row + NODE_EPOCH));
  let at = row + NODE_STATES;
  for (let part = parts; part < end; part += PART_BYTES) {
    const state = node + load<i32>(part + PART_STATE);
    const words = PAUSED_BYTES + load<i32>(part + FIXED);
    copy(state + NODE_PAUSED, at, words);
    at += words;
    const size = load<i32>(part + ITEM);
    if (size === 0) continue;
    const items = at;
    at += size * load<i32>(state + load<i32>(part + ITEM_COUNT));
    // The node has no chunks yet.
    store<i32>(state + load<i32>(part + ITEM_LINK), 0);
    packItems(per, part, state, items, 0);
  }
  if (isShared) {
    store<i32>(table + IS_SHARED, 1);
    return ROW_IS_KEPT;
  }
  if (recoversAt(per, table, node, scratch, now) <= now) {
    giveNode(per, table, number);
    return ROW_IS_RECOVERED;
  }
  insert(table, number, first, load<i64>(row + HASH, 8));
  return ROW_IS_KEPT;
}

/** Returns the size of a row by what stands in it. One that is larger than `bytes` may be any larger size. */
function sizeOf(row: usize, parts: usize, end: usize, bytes: i32): i32 {
  let size: i32 = NODE_STATES;
  for (let part = parts; part < end && size <= bytes; part += PART_BYTES) {
    const words = PAUSED_BYTES + load<i32>(part + FIXED);
    const item = load<i32>(part + ITEM);
    if (item > 0 && size + words <= bytes) {
      // A part says where in a state the number is: its words there stand behind those of a record.
      const count = load<u32>(row + size - NODE_PAUSED + load<i32>(part + ITEM_COUNT));
      size += i32(min(count, u32(bytes))) * item;
    }
    size += words;
  }
  return size;
}

function findIn(table: usize, row: usize): usize {
  return find(table, load<i64>(row + HASH), load<i64>(row + HASH, 8));
}

function tableAt(per: usize, index: i32): usize {
  return load<usize>(per + TABLES) + index * TABLE_BYTES;
}

function numberOf(table: usize, node: usize): u32 {
  return u32((node - load<usize>(table + NODES)) / load<i32>(table + NODE_BYTES));
}

function timeOf(region: usize, ms: f64): i64 {
  return max(microseconds(ms), load<i64>(present(readHead(region)) + LATEST));
}
