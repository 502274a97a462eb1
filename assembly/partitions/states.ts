/**
 * The states of a partition lie in a node. For a transaction they are unpacked into the block, as those of the limits themselves, and
 * packed into the node again: so all that is known of limits is true of those of a partition.
 */
import * as kinds from "../kinds";
import {
  CALENDAR,
  COUNT,
  DEBT,
  DEFINITION_BYTES,
  DEFINITIONS,
  ENTRY_BYTES,
  ENTRY_TIME,
  FIRST,
  FIXED_WINDOW,
  IN_USE,
  KIND,
  LEAKY_BUCKET,
  LOG,
  MARK_COUNT,
  MARK_LOW,
  MARKS,
  PAUSED,
  RECORD_BYTES,
  RESOURCE,
  SLIDING_BYTES,
  SLIDING_WINDOW,
  STATE,
  UNLIMITED,
  USED_IN_WINDOW,
  WIDE_BUCKET,
  WIDE_LEAKY_BUCKET,
  WINDOW,
  WINDOW_END,
} from "../layout";
import { NEVER } from "../time";
import { isBucket, packBucket, unpackBucket } from "./bucket";
import { copy, forget, itemIn, packItems, unpackItems } from "./items";
import {
  ALL_PAUSED,
  EPOCH,
  FIXED,
  ITEM,
  ITEM_COUNT,
  ITEM_LINK,
  MOVED_AHEAD,
  MOVED_AT,
  MOVED_EPOCH,
  NODE_EPOCH,
  NODE_TIER,
  PAIR_BYTES,
  PART_BYTES,
  PART_COUNT,
  PART_DEFINITION,
  PART_STATE,
  PARTS,
  PAUSE_EPOCH,
  PAUSED_BYTES,
  RESET_EPOCH,
  RESET_TIME,
  RESUME_EPOCH,
  ROOM,
  WAITED_FOR,
} from "./layout";

/** Where in the state of a node the pause stands. */
export const NODE_PAUSED: i32 = RECORD_BYTES - PAUSED_BYTES;

/** Returns the size in a node of a state of this kind: with room for so many items, where threads share it. */
export function nodeBytes(kind: i32, room: i32): i32 {
  const item = kind === RESOURCE ? PAIR_BYTES : itemBytes(kind);
  return PAUSED_BYTES + fixedBytes(kind) + (room === 0 ? itemBytes(kind) : room * item);
}

/** Makes `part` that of limit `index` of the region under its present definition. In a node its state begins at `at`, with inline room for so many items. */
export function enlist(part: usize, region: usize, index: i32, at: i32, room: i32): void {
  const offset = DEFINITIONS + index * DEFINITION_BYTES;
  copy(part, region + offset, DEFINITION_BYTES);
  const kind = load<i32>(part + KIND);
  const count = kind === SLIDING_WINDOW ? COUNT : DEBT + wordBytes(kind) + MARK_COUNT;
  store<i32>(part + PART_DEFINITION, offset);
  store<i32>(part + PART_STATE, at + PAUSED_BYTES - RECORD_BYTES);
  store<i32>(part + ROOM, room);
  store<i32>(part + FIXED, fixedBytes(kind));
  store<i32>(part + ITEM, itemBytes(kind));
  store<i32>(part + ITEM_COUNT, count);
  // A word that means nothing in a node: there the entries begin at the first, and the other is not used.
  store<i32>(part + ITEM_LINK, kind === SLIDING_WINDOW ? FIRST : count + 4);
}

function fixedBytes(kind: i32): i32 {
  if (kind === SLIDING_WINDOW) return SLIDING_BYTES - RECORD_BYTES;
  // A debt, and the number of its marks.
  if (isDebt(kind)) return DEBT + wordBytes(kind) + MARKS - RECORD_BYTES;
  // A partition of a region of one participant: HELD is one word.
  return kinds.stateBytes(kind, 1) - RECORD_BYTES;
}

function itemBytes(kind: i32): i32 {
  if (kind === SLIDING_WINDOW) return ENTRY_BYTES;
  if (!isDebt(kind) || kind === LEAKY_BUCKET || kind === WIDE_LEAKY_BUCKET) return 0;
  return MARK_LOW + wordBytes(kind);
}

function isDebt(kind: i32): bool {
  return kind <= LEAKY_BUCKET || kind === WIDE_BUCKET || kind === WIDE_LEAKY_BUCKET;
}

function wordBytes(kind: i32): i32 {
  return kind < WIDE_BUCKET ? 8 : 16;
}

/**
 * Writes the state of a limit in a node to its place in the block. With 0 in place of the node: that of a name never seen. `common` is
 * the part under tier 0.
 */
export function unpack(per: usize, part: usize, common: usize, node: usize, block: usize): void {
  const state = block + load<i32>(part + STATE);
  const fixed = load<i32>(part + FIXED);
  if (node === 0) {
    store<i64>(state + PAUSED, load<i64>(common + ALL_PAUSED));
    for (let at = state + RECORD_BYTES, end = at + fixed; at < end; at += 8) store<i64>(at, 0);
    return;
  }
  if (isBucket(part)) {
    unpackBucket(per, part, node, block);
    return;
  }
  const packed = node + load<i32>(part + PART_STATE);
  store<i64>(state + PAUSED, load<i64>(packed + NODE_PAUSED));
  copy(state + RECORD_BYTES, packed + RECORD_BYTES, fixed);
  if (load<i32>(part + ITEM) === 0) return;
  store<i32>(state + load<i32>(part + ITEM_LINK), 0);
  unpackItems(per, part, packed, itemsOf(part, block, state));
}

/** Writes the state of a limit in the block to a node. */
export function pack(per: usize, part: usize, node: usize, block: usize): void {
  if (isBucket(part)) {
    packBucket(per, part, node, block);
    return;
  }
  const state = block + load<i32>(part + STATE);
  const packed = node + load<i32>(part + PART_STATE);
  store<i64>(packed + NODE_PAUSED, load<i64>(state + PAUSED));
  const hasItems = load<i32>(part + ITEM) !== 0;
  const before = packed + load<i32>(part + ITEM_COUNT);
  const count = hasItems ? load<i32>(before) : 0;
  const link = packed + load<i32>(part + ITEM_LINK);
  const first = hasItems ? load<i32>(link) : 0;
  copy(packed + RECORD_BYTES, state + RECORD_BYTES, load<i32>(part + FIXED));
  if (!hasItems) return;
  store<i32>(link, first);
  packItems(per, part, packed, itemsOf(part, block, state), count);
}

/** Where in a block the items of a state are. */
function itemsOf(part: usize, block: usize, state: usize): usize {
  if (load<i32>(part + KIND) !== SLIDING_WINDOW) return itemIn(part, state);
  return block + load<i32>(part + LOG) + load<i32>(state + FIRST) * ENTRY_BYTES;
}

/** The parts of a node's tier. */
export function partsOf(table: usize, tier: i32): usize {
  return load<usize>(table + PARTS) + tier * load<i32>(table + PART_COUNT) * PART_BYTES;
}

/** Returns the first microsecond from `now` on at which the partition in a node answers as one that was never seen. */
export function recoversAt(per: usize, table: usize, node: usize, scratch: usize, now: i64): i64 {
  follow(per, table, node, scratch);
  if (load<u16>(node + WAITED_FOR) !== 0) return NEVER;
  const count = load<i32>(table + PART_COUNT) * PART_BYTES;
  const parts = partsOf(table, i32(load<u16>(node + NODE_TIER)) - 1);
  let latest = now;
  for (let i = 0; i < count; i += PART_BYTES) {
    const part = parts + i;
    const state = node + load<i32>(part + PART_STATE);
    latest = max(latest, freshAt(part, state, scratch, now));
    const paused = max(now, load<i64>(state + NODE_PAUSED));
    const all = max(now, load<i64>(load<usize>(table + PARTS) + i + ALL_PAUSED));
    if (paused !== all) latest = max(latest, max(paused, all));
  }
  return latest;
}

/** Returns when the state of a limit in a node is as if it had never been used. */
function freshAt(part: usize, state: usize, scratch: usize, now: i64): i64 {
  const kind = load<i32>(part + KIND);
  if (kind === UNLIMITED) return now;
  if (kind === RESOURCE) return load<i64>(state + IN_USE) === 0 ? now : NEVER;
  if (kind === SLIDING_WINDOW) {
    if (load<i32>(state + COUNT) === 0) return now;
    return load<i64>(itemIn(part, state) + ENTRY_TIME) + load<i64>(part + WINDOW);
  }
  if (kind === FIXED_WINDOW || kind === CALENDAR) {
    if (load<i64>(state + USED_IN_WINDOW) === 0) return now;
    const windowEnd = load<i64>(state + WINDOW_END);
    // An end below 0 is not known.
    return windowEnd < 0 ? now + 1 : windowEnd;
  }
  return kinds.fullAt(part, state - load<i32>(part + STATE), scratch, now);
}

/** Does to the partition in a node what has been done to all partitions since it was used last. */
export function follow(per: usize, table: usize, node: usize, scratch: usize): void {
  const epoch = load<i32>(node + NODE_EPOCH);
  const last = load<i32>(per + EPOCH);
  if (epoch === last) return;
  store<i32>(node + NODE_EPOCH, last);
  const count = load<i32>(table + PART_COUNT);
  const parts = partsOf(table, i32(load<u16>(node + NODE_TIER)) - 1);
  for (let i = 0; i < count; i++) {
    const part = parts + i * PART_BYTES;
    const state = node + load<i32>(part + PART_STATE);
    const block = state - load<i32>(part + STATE);
    if (load<i32>(per + MOVED_EPOCH) > epoch) {
      kinds.move(part, block, load<i64>(per + MOVED_AT), load<i64>(per + MOVED_AHEAD));
    }
    const common = load<usize>(table + PARTS) + i * PART_BYTES;
    const paused = state + NODE_PAUSED;
    if (load<i32>(common + RESUME_EPOCH) > epoch) store<i64>(paused, 0);
    if (load<i32>(common + PAUSE_EPOCH) > epoch) {
      store<i64>(paused, max(load<i64>(paused), load<i64>(common + ALL_PAUSED)));
    }
    if (load<i32>(common + RESET_EPOCH) <= epoch) continue;
    forget(per, part, state);
    kinds.reset(part, block, scratch, load<i64>(common + RESET_TIME), 0);
  }
}
