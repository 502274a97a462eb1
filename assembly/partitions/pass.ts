/**
 * The partitions of a set that is redefined go over to tables of their own under the new definitions, each as a limit of all would:
 * inherit.ts has the rules. Names keep their hashes.
 *
 * There may be so many that to pass all of them on at once would take too long. So a partition goes over when its name comes up, and
 * some more with each call. It goes over as it was when the set was redefined, since nothing has changed there from then on; changes of
 * all partitions come on top of that. The set may be redefined again meanwhile: then a partition goes through all definitions in turn.
 */
import { present, readHead } from "../head";
import { inherit } from "../inherit";
import { copy } from "./items";
import {
  ALL_PAUSED,
  CHUNK_BYTES,
  CHUNKS,
  CHUNKS_USED,
  FROM_TABLE,
  HASH,
  HEIR_BYTES,
  HEIRS,
  IS_SHARED,
  LINK_BYTES,
  LINKS,
  NEXT_TIER,
  NODE_BYTES,
  NODE_EPOCH,
  NODE_TIER,
  NODES,
  NODES_USED,
  OLD,
  OLD_MODE,
  OLD_REGION,
  OLD_SCRATCH,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  PASS_NODE,
  PASS_TABLE,
  PASSAGE,
  PASSED_AT,
  PLACE,
  TABLE_BYTES,
  TABLES,
  TIER,
  TO_TABLE,
  WAITED_FOR,
} from "./layout";
import { indexOf, packAll, spareBlock, use } from "./packing";
import { partsOf, recoversAt, unpack } from "./states";
import { clearNode, evict, find, findPlace, insert, nodeAt, sharedNode, tablesEnd, takeNode } from "./table";

/** So many chunks are made 0 in the time in which a partition goes over. */
const CHUNKS_EACH = 16;

/** Whether there are partitions that have not gone over yet. */
export function isPassing(per: usize): bool {
  return load<usize>(per + PASSAGE) !== 0;
}

/**
 * Begins to pass on the partitions before to those at `per`, of the region `region`, which have none yet: PASSAGE, FROM_TABLE, TO_TABLE
 * and NEXT_TIER say how. What all names have in common goes over at once.
 */
export function beginPassing(per: usize, region: usize, scratch: usize): void {
  const passage = load<usize>(per + PASSAGE);
  store<usize>(passage + PASS_TABLE, load<usize>(load<usize>(passage + OLD) + TABLES));
  store<i32>(passage + PASS_NODE, 1);
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES) {
    const before = load<usize>(table + FROM_TABLE);
    if (before === 0) continue;
    passPauses(before, table, passage);
    if (load<i32>(before + IS_SHARED) === 0) continue;
    if (!passOn(per, region, scratch, table, sharedNode(before))) continue;
    moveNode(table, sharedNode(table));
    store<i32>(table + IS_SHARED, 1);
  }
}

/** Passes on the partition of a name with this hash, if there is one in the tables before. Returns its node, or 0. */
export function bring(
  per: usize,
  region: usize,
  scratch: usize,
  table: usize,
  first: i64,
  second: i64,
): usize {
  if (!bringToSpare(per, region, scratch, table, first, second)) return 0;
  const now = load<i64>(load<usize>(per + PASSAGE) + PASSED_AT);
  if (!findPlace(per, table, first, scratch, now)) {
    share(per, table, scratch, now);
    return 0;
  }
  const number = takeNode(table);
  const node = nodeAt(table, number);
  moveNode(table, node);
  insert(table, number, first, second);
  return node;
}

/** Passes on so many partitions, or makes so much of the memory 0 that they leave. PASSAGE is 0 once that is done. */
export function passSome(per: usize, region: usize, scratch: usize, count: i32): void {
  let owner = per;
  let old = load<usize>(load<usize>(per + PASSAGE) + OLD);
  // The oldest first.
  for (; load<usize>(old + PASSAGE) !== 0; old = load<usize>(load<usize>(old + PASSAGE) + OLD)) owner = old;
  const passage = load<usize>(owner + PASSAGE);
  let table = load<usize>(passage + PASS_TABLE);
  let number = load<i32>(passage + PASS_NODE);
  const end = tablesEnd(old);
  for (; count > 0; count--) {
    while (table < end && number > load<i32>(table + NODES_USED)) {
      store<i32>(table + NODES_USED, 0);
      table += TABLE_BYTES;
      number = 1;
    }
    if (table >= end) {
      if (!clearChunks(old)) continue;
      endPassing(owner);
      return;
    }
    const node = nodeAt(table, number);
    if (i32(load<u16>(node + NODE_TIER)) !== 0) passOut(per, region, scratch, old, table, node);
    // It may be one of those that were given back, each of which names the next.
    store<i64>(node + HASH, 0);
    number++;
  }
  store<usize>(passage + PASS_TABLE, table);
  store<i32>(passage + PASS_NODE, number);
}

/** Passes on what is in a node of the oldest tables; or drops it, where its dimension has ended meanwhile. */
function passOut(per: usize, region: usize, scratch: usize, old: usize, table: usize, node: usize): void {
  let last = table;
  for (let next = load<usize>(last + TO_TABLE); next !== 0; next = load<usize>(last + TO_TABLE)) last = next;
  const first = load<i64>(node + HASH);
  const second = load<i64>(node + HASH, 8);
  if (last >= load<usize>(per + TABLES) && last < tablesEnd(per)) {
    bring(per, region, scratch, last, first, second);
  } else {
    find(table, first, second);
    evictNode(old, table, node);
  }
}

/** Makes some chunks 0. Returns whether all are. */
function clearChunks(per: usize): bool {
  const used = load<i32>(per + CHUNKS_USED);
  const some = min(used, CHUNKS_EACH);
  memory.fill(load<usize>(per + CHUNKS) + (used - some) * CHUNK_BYTES, 0, some * CHUNK_BYTES);
  memory.fill(load<usize>(per + LINKS) + (used - some) * LINK_BYTES, 0, some * LINK_BYTES);
  store<i32>(per + CHUNKS_USED, used - some);
  return used === some;
}

function endPassing(per: usize): void {
  store<usize>(per + PASSAGE, 0);
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES) store<usize>(table + FROM_TABLE, 0);
}

/** Takes the partition of a name out of the tables before, and passes it on to the spare node of `table`. Returns whether there is any. */
function bringToSpare(
  per: usize,
  region: usize,
  scratch: usize,
  table: usize,
  first: i64,
  second: i64,
): bool {
  const before = load<usize>(table + FROM_TABLE);
  if (before === 0) return false;
  const passage = load<usize>(per + PASSAGE);
  const old = load<usize>(passage + OLD);
  const node = find(before, first, second);
  if (node !== 0) {
    const isKept = passOn(per, region, scratch, table, node);
    evictNode(old, before, node);
    return isKept;
  }
  const from = load<usize>(passage + OLD_REGION);
  if (!bringToSpare(old, from, load<usize>(passage + OLD_SCRATCH), before, first, second)) return false;
  const isKept = passOn(per, region, scratch, table, nodeAt(before, 0));
  clearNode(old, before, nodeAt(before, 0));
  return isKept;
}

/** Evicts the name that stands at PLACE. */
function evictNode(per: usize, table: usize, node: usize): void {
  const number = u32(node - load<usize>(table + NODES)) / load<u32>(table + NODE_BYTES);
  evict(per, table, number, load<usize>(table + PLACE));
}

/**
 * Packs what is in a node of the tables before into the spare node of `table`. Returns false, and does nothing, if it had recovered when the
 * set was redefined.
 */
function passOn(per: usize, region: usize, scratch: usize, table: usize, node: usize): bool {
  const passage = load<usize>(per + PASSAGE);
  const old = load<usize>(passage + OLD);
  const now = load<i64>(passage + PASSED_AT);
  const before = load<usize>(table + FROM_TABLE);
  // Those that still wait for it say so anew.
  store<u16>(node + WAITED_FOR, 0);
  if (recoversAt(old, before, node, load<usize>(passage + OLD_SCRATCH), now) <= now) return false;
  const block = spareBlock(region, scratch, present(readHead(region)));
  unpackAs(passage, before, node, table, region, block);
  const spare = nodeAt(table, 0);
  packAll(per, table, spare, block);
  store<i64>(spare + HASH, load<i64>(node + HASH));
  store<i64>(spare + HASH, load<i64>(node + HASH, 8), 8);
  // All that was done to all partitions since then is still to be done to it.
  store<i32>(spare + NODE_EPOCH, 0);
  return true;
}

/** Unpacks what is in a node into the present block of its own region, and from there into a block of the new one. */
function unpackAs(passage: usize, before: usize, node: usize, table: usize, to: usize, block: usize): void {
  const from = load<usize>(passage + OLD_REGION);
  const oldTier = i32(load<u16>(node + NODE_TIER)) - 1;
  const oldBlock = present(readHead(from));
  use(before, oldTier, from);
  const oldParts = partsOf(before, oldTier);
  const oldEnd = oldParts + load<i32>(before + PART_COUNT) * PART_BYTES;
  for (let part = oldParts; part < oldEnd; part += PART_BYTES) {
    unpack(load<usize>(passage + OLD), part, part, node, oldBlock);
  }
  const tier = load<i32>(oldParts + NEXT_TIER);
  store<i32>(table + TIER, tier);
  use(table, tier, to);
  const parts = partsOf(table, tier);
  const common = load<usize>(table + PARTS);
  const now = f64(load<i64>(passage + PASSED_AT));
  // The corrections of the time there are those of that moment.
  const scratch = load<usize>(passage + OLD_SCRATCH);
  const mode = load<i32>(passage + OLD_MODE);
  for (let at = 0, end = load<i32>(table + PART_COUNT) * PART_BYTES; at < end; at += PART_BYTES) {
    const part = parts + at;
    // A limit that follows none is as for a name never seen.
    unpack(0, part, common + at, 0, block);
    const index = indexOf(part);
    const heir = passage + HEIRS + index * HEIR_BYTES;
    const follows = i32(load<f64>(heir));
    if (follows < 0) continue;
    inherit(from, oldBlock, follows, to, block, index, scratch, now, mode, load<f64>(heir, 8));
  }
}

/** Moves what is in the spare node of a table to another node, which has nothing. */
function moveNode(table: usize, node: usize): void {
  const spare = nodeAt(table, 0);
  copy(node, spare, load<i32>(table + NODE_BYTES));
  memory.fill(spare, 0, load<i32>(table + NODE_BYTES));
}

/** Puts what is in the spare node into the shared state, unless that recovers later. */
function share(per: usize, table: usize, scratch: usize, now: i64): void {
  const shared = sharedNode(table);
  const spare = nodeAt(table, 0);
  if (load<i32>(table + IS_SHARED) !== 0) {
    const isLater =
      recoversAt(per, table, spare, scratch, now) > recoversAt(per, table, shared, scratch, now);
    clearNode(per, table, isLater ? shared : spare);
    if (!isLater) return;
  }
  moveNode(table, shared);
  store<i32>(table + IS_SHARED, 1);
}

/** Until when names that were never seen are paused goes over too. */
export function passPauses(before: usize, table: usize, passage: usize): void {
  const parts = load<usize>(table + PARTS);
  const oldParts = load<usize>(before + PARTS);
  for (let i = 0; i < load<i32>(table + PART_COUNT); i++) {
    const part = parts + i * PART_BYTES;
    const heir = i32(load<f64>(passage + HEIRS + indexOf(part) * HEIR_BYTES));
    for (let j = 0; j < load<i32>(before + PART_COUNT); j++) {
      const each = oldParts + j * PART_BYTES;
      if (indexOf(each) === heir) store<i64>(part + ALL_PAUSED, load<i64>(each + ALL_PAUSED));
    }
  }
}
