/**
 * States in a node that threads share. All items lie in the node, which is copied whole: so no participant writes to what another may
 * read. There is room for all marks of a debt, and for some entries of a log: where these are too many, neighbours that fall in the same
 * part of a window become one with the later time, so that the log never admits early. A resource has, in place of HELD, pairs of a
 * participant and what that holds, of which there are no more than units.
 */
import {
  COUNT,
  ENTRY_AMOUNT,
  ENTRY_BYTES,
  ENTRY_TIME,
  FIRST,
  HELD,
  HELD_BYTES,
  IN_USE,
  KIND,
  LOG,
  MAX_ENTRIES,
  PAUSED,
  RECORD_BYTES,
  RESOURCE,
  SLIDING_WINDOW,
  STATE,
  WINDOW,
} from "../layout";
import { copy, itemIn } from "./items";
import {
  ALL_PAUSED,
  FIXED,
  ITEM,
  ITEM_COUNT,
  PAIR_BYTES,
  PAIR_OWNER,
  PAIR_UNITS,
  PART_STATE,
  ROOM,
} from "./layout";
import { NODE_PAUSED } from "./states";

/** Writes the state in a node to its place in a staged block. With 0 in place of the node: that of a name never seen. */
export function unpackInline(part: usize, common: usize, node: usize, block: usize, participant: i32): void {
  const state = block + load<i32>(part + STATE);
  if (load<i32>(part + KIND) === RESOURCE) {
    const held = state + HELD + participant * HELD_BYTES;
    if (node === 0) {
      store<i64>(state + PAUSED, load<i64>(common + ALL_PAUSED));
      store<i64>(state + IN_USE, 0);
      store<i64>(held, 0);
      return;
    }
    const packed = node + load<i32>(part + PART_STATE);
    store<i64>(state + PAUSED, load<i64>(packed + NODE_PAUSED));
    store<i64>(state + IN_USE, load<i64>(packed + IN_USE));
    store<i64>(held, heldIn(part, packed, participant));
    return;
  }
  const fixed = load<i32>(part + FIXED);
  if (node === 0) {
    store<i64>(state + PAUSED, load<i64>(common + ALL_PAUSED));
    for (let at = state + RECORD_BYTES, end = at + fixed; at < end; at += 8) store<i64>(at, 0);
    return;
  }
  const packed = node + load<i32>(part + PART_STATE);
  store<i64>(state + PAUSED, load<i64>(packed + NODE_PAUSED));
  copy(state + RECORD_BYTES, packed + RECORD_BYTES, fixed);
  const size = load<i32>(part + ITEM);
  if (size === 0) return;
  const isLog = load<i32>(part + KIND) === SLIDING_WINDOW;
  if (isLog) store<i32>(state + FIRST, 0);
  const counted = state + load<i32>(part + ITEM_COUNT);
  // Torn numbers must not lead out of the node.
  const count = min(load<u32>(counted), load<u32>(part + ROOM));
  store<i32>(counted, count);
  if (count === 0) return;
  const items = isLog ? block + load<i32>(part + LOG) : itemIn(part, state);
  // The latest stands first: of a partition that is looked at, only this one counts.
  const latest = itemIn(part, packed);
  const most = i32(count - 1) * size;
  copy(items, latest + size, most);
  copy(items + most, latest, size);
}

/**
 * Writes a state to a node: `state` is that of the limit in a block, and `log` its log there. What a participant holds of a resource is told
 * by `held`.
 */
export function packInline(
  part: usize,
  node: usize,
  state: usize,
  log: usize,
  participant: i32,
  held: i64,
): void {
  const packed = node + load<i32>(part + PART_STATE);
  store<i64>(packed + NODE_PAUSED, load<i64>(state + PAUSED));
  if (load<i32>(part + KIND) === RESOURCE) {
    store<i64>(packed + IN_USE, load<i64>(state + IN_USE));
    hold(part, packed, participant, held);
    return;
  }
  copy(packed + RECORD_BYTES, state + RECORD_BYTES, load<i32>(part + FIXED));
  const size = load<i32>(part + ITEM);
  if (size === 0) return;
  const counted = load<i32>(part + ITEM_COUNT);
  let items = itemIn(part, state);
  let count = load<u32>(state + counted);
  if (load<i32>(part + KIND) === SLIDING_WINDOW) {
    const first = load<i32>(state + FIRST) & (MAX_ENTRIES - 1);
    items = log + first * ENTRY_BYTES;
    count = min(count, MAX_ENTRIES - first);
    if (count > load<u32>(part + ROOM)) count = merge(part, items, count);
    store<i32>(packed + FIRST, 0);
    store<i32>(packed + COUNT, count);
  }
  // Torn numbers must not lead out of the node.
  count = min(count, load<u32>(part + ROOM));
  if (count === 0) return;
  const latest = itemIn(part, packed);
  const most = i32(count - 1) * size;
  copy(latest, items + most, size);
  copy(latest + size, items, most);
}

/** Merges neighbours in a log that fall in the same part of a window, into the later one. Returns how many entries are left. */
function merge(part: usize, log: usize, count: i32): i32 {
  const window = load<i64>(part + WINDOW);
  // A span of one window touches one part more than a window has.
  const width = window / max(1, load<i32>(part + ROOM) - 2) + 1;
  // Entries that have left the window may make the span longer.
  const most = load<i32>(part + ROOM) - 1;
  let kept = 0;
  const start = load<i64>(log + ENTRY_TIME);
  let cell: i64 = 0;
  for (let i = 1; i < count; i++) {
    const from = log + i * ENTRY_BYTES;
    const time = load<i64>(from + ENTRY_TIME);
    const next = (time - start) / width;
    const amount = load<i64>(from + ENTRY_AMOUNT);
    let into = log + kept * ENTRY_BYTES;
    if (next === cell || kept === most) {
      store<i64>(into + ENTRY_AMOUNT, load<i64>(into + ENTRY_AMOUNT) + amount);
    } else {
      into = log + ++kept * ENTRY_BYTES;
      store<i64>(into + ENTRY_AMOUNT, amount);
      cell = next;
    }
    store<i64>(into + ENTRY_TIME, time);
  }
  return kept + 1;
}

/** What a participant holds of the resource in a node. */
export function heldIn(part: usize, packed: usize, participant: i32): i64 {
  const pair = pairOf(part, packed, participant);
  return pair === 0 ? 0 : load<i64>(pair + PAIR_UNITS);
}

/** Notes what a participant holds of the resource in a node. */
export function hold(part: usize, packed: usize, participant: i32, units: i64): void {
  let pair = pairOf(part, packed, participant);
  const count = pairCount(part, packed);
  if (units > 0) {
    if (pair === 0) {
      // There is room for as many as hold something. Torn numbers must not lead out of the node.
      if (count === load<i32>(part + ROOM)) return;
      pair = pairs(part, packed) + count * PAIR_BYTES;
      store<i64>(packed + HELD, count + 1);
    }
    store<i64>(pair + PAIR_OWNER, participant);
    store<i64>(pair + PAIR_UNITS, units);
  } else if (pair !== 0) {
    copy(pair, pairs(part, packed) + (count - 1) * PAIR_BYTES, PAIR_BYTES);
    store<i64>(packed + HELD, count - 1);
  }
}

/** Passes on what participants hold of the resource in a node, and its pause, to a node in which it has another part. */
export function passHeld(part: usize, node: usize, next: usize, into: usize): void {
  const packed = node + load<i32>(part + PART_STATE);
  const state = into + load<i32>(next + PART_STATE);
  const count = min(pairCount(part, packed), load<i32>(next + ROOM));
  store<i64>(state + NODE_PAUSED, load<i64>(packed + NODE_PAUSED));
  store<i64>(state + IN_USE, load<i64>(packed + IN_USE));
  store<i64>(state + HELD, count);
  copy(pairs(next, state), pairs(part, packed), count * PAIR_BYTES);
}

function pairOf(part: usize, packed: usize, participant: i32): usize {
  let pair = pairs(part, packed);
  for (const end = pair + pairCount(part, packed) * PAIR_BYTES; pair < end; pair += PAIR_BYTES) {
    if (load<i64>(pair + PAIR_OWNER) === participant) return pair;
  }
  return 0;
}

function pairs(part: usize, packed: usize): usize {
  return itemIn(part, packed);
}

function pairCount(part: usize, packed: usize): i32 {
  return i32(min(load<u64>(packed + HELD), load<u32>(part + ROOM)));
}
