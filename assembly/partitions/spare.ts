/**
 * Nodes that threads share. Each of them is named by one place or one slot. What a place names is never written to. The slot of a
 * participant names its spare node: there it writes the next state of a partition, and its transaction then exchanges the two.
 */
import { NEVER } from "../time";
import {
  EVICTED_PLACE,
  HAND,
  HASH,
  IS_FRESH,
  IS_SHARED,
  NEXT_SPARE,
  NODE_BITS,
  NODE_BYTES,
  NODE_COUNT,
  NODE_TIER,
  NODES_USED,
  OLD_EVICTED,
  OLD_PLACE,
  OLD_SLOT,
  PLACE,
  PLACE_BYTES,
  RESERVED,
  SEARCH_FROM,
  SHARED_PLACE,
  SLOT,
} from "./layout";
import { reviewPins } from "./pins";
import { recoversAt } from "./states";
import {
  FEW,
  find,
  LINE_BYTES,
  lineOf,
  manyOf,
  maySearch,
  mostOf,
  NODE_MASK,
  nodeAt,
  vacantOf,
} from "./table";

/** The number of the spare node of this participant. Its slot is read anew: another may just have given it another one. */
function spareOf(table: usize): u32 {
  const slot = atomic.load<i64>(load<usize>(table + SLOT));
  store<i64>(table + OLD_SLOT, slot);
  return u32(slot) & NODE_MASK;
}

/**
 * Copies the node of a place to the spare node, and notes both words. A node that was never used is one of `tier` then. Returns the
 * address of the copy.
 */
export function adopt(per: usize, table: usize, place: usize, tier: i32): usize {
  const word = atomic.load<i64>(place);
  store<usize>(table + PLACE, place);
  store<i64>(table + OLD_PLACE, word);
  store<i32>(table + NEXT_SPARE, u32(word) & NODE_MASK);
  return copyNode(per, table, nodeAt(table, u32(word) & NODE_MASK), tier);
}

export function copyNode(per: usize, table: usize, node: usize, tier: i32): usize {
  const spare = nodeAt(table, spareOf(table));
  memory.copy(spare, node, load<i32>(table + NODE_BYTES));
  if (i32(load<u16>(spare + NODE_TIER)) === 0) store<u16>(spare + NODE_TIER, u16(tier + 1));
  reviewPins(per, spare);
  return spare;
}

/** Whether the shared state has not recovered: then names without a state of their own go on sharing it. */
export function isSharedAmong(per: usize, table: usize, scratch: usize, now: i64): bool {
  if (load<i32>(table + IS_SHARED) === 0) return false;
  const spare = adopt(per, table, load<usize>(table + SHARED_PLACE), 0);
  if (recoversAt(per, table, spare, scratch, now) > now) return true;
  store<i32>(table + IS_SHARED, 0);
  return false;
}

/**
 * Looks for a place for a new name whose hash begins with this word, and for the node that the participant gets for its spare one. Makes
 * the spare node empty, and notes the words. Returns 0; if there are none, the earliest time at which one of the partitions that were looked at
 * has recovered. A name that `isComing` from the table before has a node kept for it.
 */
export function makeRoomAmong(
  per: usize,
  table: usize,
  first: i64,
  scratch: usize,
  now: i64,
  isComing: bool,
): i64 {
  const line = lineOf(table, u32(first));
  const other = lineOf(table, u32(first >>> 32));
  const vacant = vacantOf(line, other);
  let earliest = NEVER;
  store<usize>(table + EVICTED_PLACE, 0);
  store<i32>(table + IS_FRESH, 0);
  if (vacant !== 0) {
    const used = load<i32>(table + NODES_USED);
    const kept = isComing ? 0 : load<i32>(table + RESERVED);
    const hasFresh = used + kept < load<i32>(table + NODE_COUNT);
    // There are so many that come that a look at others with each would be as much work as the rest.
    if (!isComing || !hasFresh) earliest = search(per, table, scratch, now, hasFresh ? FEW : manyOf(table));
    if (earliest > now && hasFresh) {
      store<i32>(table + NEXT_SPARE, used + 1);
      store<i32>(table + IS_FRESH, 1);
      earliest = now;
    }
    if (earliest <= now) {
      settleIn(table, vacant, atomic.load<i64>(vacant));
      return 0;
    }
  }
  earliest = min(earliest, replaceIn(per, table, line, scratch, now));
  if (earliest > now) earliest = min(earliest, replaceIn(per, table, other, scratch, now));
  if (earliest > now && vacant !== 0 && maySearch(table, now)) {
    earliest = min(earliest, search(per, table, scratch, now, mostOf(table)));
    if (earliest <= now) {
      settleIn(table, vacant, atomic.load<i64>(vacant));
      // The transaction may have to be repeated.
      store<i64>(table + SEARCH_FROM, 0);
    }
  }
  return earliest > now ? earliest : 0;
}

/** Looks in a line for a partition that has recovered, whose place and node a new name gets. Returns as `search` does. */
function replaceIn(per: usize, table: usize, line: usize, scratch: usize, now: i64): i64 {
  let earliest = NEVER;
  for (let place = line; place < line + LINE_BYTES; place += PLACE_BYTES) {
    const word = atomic.load<i64>(place);
    const number = u32(word) & NODE_MASK;
    if (number === 0) continue;
    const recovers = recoversAt(per, table, copyNode(per, table, nodeAt(table, number), 0), scratch, now);
    earliest = min(earliest, recovers);
    if (recovers > now) continue;
    store<i32>(table + NEXT_SPARE, number);
    settleIn(table, place, word);
    break;
  }
  return earliest;
}

/** Takes a place with an empty node. */
function settleIn(table: usize, place: usize, word: i64): void {
  store<usize>(table + PLACE, place);
  store<i64>(table + OLD_PLACE, word);
  memory.fill(nodeAt(table, spareOf(table)), 0, load<i32>(table + NODE_BYTES));
}

/**
 * Looks at the next nodes in turn for a partition that has recovered, and notes its place and its node. Returns the earliest time at
 * which one has recovered.
 */
function search(per: usize, table: usize, scratch: usize, now: i64, looks: i32): i64 {
  const used = load<i32>(table + NODES_USED);
  let number = load<i32>(table + HAND);
  let earliest = NEVER;
  for (let i = min(looks, used); i > 0 && earliest > now; i--) {
    number = number >= used ? 1 : number + 1;
    const node = nodeAt(table, number);
    if (i32(load<u16>(node + NODE_TIER)) === 0) continue;
    // Spare nodes, and the shared one, are in no place of the table.
    if (find(table, load<i64>(node + HASH), load<i64>(node + HASH, 8)) !== node) continue;
    const place = load<usize>(table + PLACE);
    const word = atomic.load<i64>(place);
    const recovers = recoversAt(per, table, copyNode(per, table, node, 0), scratch, now);
    earliest = min(earliest, recovers);
    if (recovers > now) continue;
    store<usize>(table + EVICTED_PLACE, place);
    store<i64>(table + OLD_EVICTED, word);
    store<i32>(table + NEXT_SPARE, number);
  }
  store<i32>(table + HAND, number);
  return earliest;
}

/** The word of a place after one change, in which it names a node with this tag. */
export function nextPlace(old: i64, tag: u32, node: u32): i64 {
  return (((old >>> 32) + 1) << 32) | i64((tag << NODE_BITS) | node);
}

/** The word of a slot after one change. */
export function nextSlot(old: i64, node: u32): i64 {
  return (((old >>> NODE_BITS) + 1) << NODE_BITS) | i64(node);
}
