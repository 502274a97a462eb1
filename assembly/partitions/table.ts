/**
 * The table of a dimension: which node has the state of a name. A name has two lines of places in which it may stand, and stands in the
 * one that was emptier. A partition that has recovered answers as one that was never seen: so it makes room for another where it is met,
 * and no answer changes.
 */

import { NEVER } from "../time";
import { forget } from "./items";
import {
  ASKED_BYTES,
  ASKED_HASH,
  ASKED_TIER,
  DIMENSIONS,
  FROM_TABLE,
  HAND,
  HASH,
  IN_TABLE,
  LINE_COUNT,
  LINE_PLACES,
  MAX,
  NEXT,
  NODE_BITS,
  NODE_BYTES,
  NODE_FREE,
  NODE_TIER,
  NODES,
  NODES_USED,
  PART_BYTES,
  PART_COUNT,
  PART_STATE,
  PLACE,
  PLACE_BYTES,
  PLACES,
  REQUEST,
  RESERVED,
  SEARCH_FROM,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { partsOf, recoversAt } from "./states";

export const LINE_BYTES = LINE_PLACES * PLACE_BYTES;
export const NODE_MASK: u32 = (1 << NODE_BITS) - 1;
/**
 * How many nodes are looked at for each new name: as long as there is room; where there is none, MANY at most; and where none of these has
 * recovered, once in a millisecond MOST at most: names that share do so for long, so that they must not begin to while some have recovered.
 */
export const FEW = 2;
export const MANY = 64;
export const MOST = 4096;
/**
 * The work that a search may be, where a byte of a node, which may be copied, is 1 and a limit is LIMIT_WORK: an eighth of a nanosecond each. So
 * no search takes longer than a quarter of a millisecond, however many limits a dimension has.
 */
const MOST_WORK = 1 << 21;
const LIMIT_WORK = 128;
const PAUSE: i64 = 1000;

/** The two words of the hash that a request has. */
export function askedHash(asked: usize, word: usize): i64 {
  const at = asked + ASKED_HASH + 2 * word;
  return i64(load<u32>(at)) | (i64(load<u32>(at, 8)) << 32);
}

/** The first word of the hash that a request names in a dimension; 0 if it names none. */
export function askedIn(per: usize, dimension: i32): i64 {
  const asked = per + REQUEST + dimension * ASKED_BYTES;
  return load<i32>(asked + ASKED_TIER) === 0 ? 0 : askedHash(asked, 0);
}

export function nodeAt(table: usize, node: u32): usize {
  return load<usize>(table + NODES) + node * load<u32>(table + NODE_BYTES);
}

/** Where the tables end. */
export function tablesEnd(per: usize): usize {
  return load<usize>(per + TABLES) + load<i32>(per + DIMENSIONS) * TABLE_BYTES;
}

/** The node that all names share which have none of their own. */
export function sharedNode(table: usize): usize {
  return nodeAt(table, load<i32>(table + MAX) + 1);
}

/** Returns the node of the name with this hash, and writes its place to PLACE. Returns 0 if there is none. */
export function find(table: usize, first: i64, second: i64): usize {
  const tag = i32x4.splat(tagOf(second));
  const line = lineOf(table, u32(first));
  const other = lineOf(table, u32(first >>> 32));
  // All places are compared at once: to go from one to the next would cost more than the rest of a take.
  let matches = matchesIn(line, tag) | (matchesIn(other, tag) << LINE_PLACES);
  for (; matches !== 0; matches &= matches - 1) {
    const index = ctz(matches);
    const place = (index < LINE_PLACES ? line : other - LINE_BYTES) + index * PLACE_BYTES;
    const node = nodeAt(table, load<u32>(place) & NODE_MASK);
    if (load<i64>(node + HASH) !== first || load<i64>(node + HASH, 8) !== second) continue;
    store<usize>(table + PLACE, place);
    return node;
  }
  return 0;
}

/** Which places of a line have a tag, one bit each. */
function matchesIn(line: usize, tag: v128): i32 {
  return fourIn(line, tag) | (fourIn(line + LINE_BYTES / 2, tag) << 4);
}

function fourIn(line: usize, tag: v128): i32 {
  const words = i8x16.shuffle(
    v128.load(line),
    v128.load(line, 16),
    0,
    1,
    2,
    3,
    8,
    9,
    10,
    11,
    16,
    17,
    18,
    19,
    24,
    25,
    26,
    27,
  );
  return i32x4.bitmask(i32x4.eq(i32x4.shr_u(words, NODE_BITS), tag));
}

/** The tag of a name: never 0, as that of a vacant place. */
export function tagOf(second: i64): u32 {
  return max(1, u32(second) & 255);
}

/** The tag in the word of a place. */
export function tagIn(place: i64): u32 {
  return u32(place) >>> NODE_BITS;
}

export function lineOf(table: usize, half: u32): usize {
  return load<usize>(table + PLACES) + usize((u64(half) * load<u32>(table + LINE_COUNT)) >> 32) * LINE_BYTES;
}

/**
 * Looks for a node and a place for a new name with this hash, and writes the place to PLACE. Returns 0; if there are none, the earliest time at
 * which one of the partitions that were looked at has recovered.
 */
export function makeRoom(per: usize, table: usize, first: i64, scratch: usize, now: i64): i64 {
  if (hasNode(table)) {
    sweep(per, table, scratch, now, FEW);
  } else {
    let earliest = sweep(per, table, scratch, now, manyOf(table));
    if (!hasNode(table) && maySearch(table, now)) {
      earliest = min(earliest, sweep(per, table, scratch, now, mostOf(table)));
    }
    if (!hasNode(table)) return max(now + 1, earliest);
  }
  return findPlace(per, table, first, scratch, now) ? 0 : now + 1;
}

/** How many nodes are looked at in a search that is not as long as possible. */
export function manyOf(table: usize): i32 {
  return max(FEW, min(MANY, MOST_WORK / 8 / workOf(table)));
}

/** The same in the longest. */
export function mostOf(table: usize): i32 {
  return max(FEW, min(MOST, MOST_WORK / workOf(table)));
}

/** The work of one look. */
function workOf(table: usize): i32 {
  return load<i32>(table + PART_COUNT) * LIMIT_WORK + load<i32>(table + NODE_BYTES);
}

/** Whether a long search may run now: then it is noted. */
export function maySearch(table: usize, now: i64): bool {
  if (now < load<i64>(table + SEARCH_FROM)) return false;
  store<i64>(table + SEARCH_FROM, now + PAUSE);
  return true;
}

/** Looks for a place for a name with this hash, which has none, and writes it to PLACE. Returns false if there is none. */
export function findPlace(per: usize, table: usize, first: i64, scratch: usize, now: i64): bool {
  const line = lineOf(table, u32(first));
  const other = lineOf(table, u32(first >>> 32));
  let place = vacantOf(line, other);
  if (place === 0) {
    place = evictFrom(per, table, line, scratch, now);
    if (place === 0) place = evictFrom(per, table, other, scratch, now);
    if (place === 0) return false;
  }
  store<usize>(table + PLACE, place);
  return true;
}

/** A vacant place in the emptier one of two lines; 0 if there is none. */
export function vacantOf(line: usize, other: usize): usize {
  const vacant = vacantIn(line);
  const otherVacant = vacantIn(other);
  // In a line with more places taken, the first vacant one is further behind, unless some have been given back.
  if (vacant - line <= otherVacant - other) return vacant === line + LINE_BYTES ? 0 : vacant;
  return otherVacant === other + LINE_BYTES ? 0 : otherVacant;
}

/** Whether there is a node for a new name. */
export function hasNode(table: usize): bool {
  const reserved = load<i32>(table + RESERVED);
  if (reserved !== 0 && load<i32>(table + IN_TABLE) + reserved >= load<i32>(table + MAX)) return false;
  let before = load<usize>(table + FROM_TABLE);
  if (before !== 0) {
    // Those that are still in the tables before need nodes too.
    let names = load<i32>(table + IN_TABLE);
    for (; before !== 0; before = load<usize>(before + FROM_TABLE)) names += load<i32>(before + IN_TABLE);
    return names < load<i32>(table + MAX);
  }
  return load<i32>(table + NODE_FREE) !== 0 || load<i32>(table + NODES_USED) < load<i32>(table + MAX);
}

/** Returns the first vacant place of a line, or the end of the line. */
function vacantIn(line: usize): usize {
  let place = line;
  while (place < line + LINE_BYTES && load<u32>(place) !== 0) place += PLACE_BYTES;
  return place;
}

/** Makes a place vacant in a line without one, if a partition there has recovered. Returns the place, or 0. */
function evictFrom(per: usize, table: usize, line: usize, scratch: usize, now: i64): usize {
  for (let place = line; place < line + LINE_BYTES; place += PLACE_BYTES) {
    const number = load<u32>(place) & NODE_MASK;
    if (recoversAt(per, table, nodeAt(table, number), scratch, now) > now) continue;
    evict(per, table, number, place);
    return place;
  }
  return 0;
}

/**
 * Looks at the next nodes in turn, and evicts the partitions that have recovered. Returns the earliest time at which one of the others
 * does.
 */
export function sweep(per: usize, table: usize, scratch: usize, now: i64, looks: i32): i64 {
  const used = load<i32>(table + NODES_USED);
  let number = load<i32>(table + HAND);
  let earliest = NEVER;
  for (let i = min(looks, used); i > 0; i--) {
    number = number >= used ? 1 : number + 1;
    const node = nodeAt(table, number);
    if (i32(load<u16>(node + NODE_TIER)) === 0) continue;
    const recovers = recoversAt(per, table, node, scratch, now);
    if (recovers > now) {
      earliest = min(earliest, recovers);
      continue;
    }
    find(table, load<i64>(node + HASH), load<i64>(node + HASH, 8));
    evict(per, table, number, load<usize>(table + PLACE));
  }
  store<i32>(table + HAND, number);
  return earliest;
}

/** Takes the name at a place out of the table, with its node. */
export function evict(per: usize, table: usize, number: u32, place: usize): void {
  store<u32>(place, 0);
  giveNode(per, table, number);
  store<i32>(table + IN_TABLE, load<i32>(table + IN_TABLE) - 1);
}

/** Returns the number of a node without a name. There is one. */
export function takeNode(table: usize): u32 {
  const free = load<u32>(table + NODE_FREE);
  if (free !== 0) {
    store<u32>(table + NODE_FREE, load<u32>(nodeAt(table, free) + NEXT));
    return free;
  }
  const used = load<u32>(table + NODES_USED) + 1;
  store<u32>(table + NODES_USED, used);
  return used;
}

/** Puts the name with this hash and its node into PLACE. */
export function insert(table: usize, number: u32, first: i64, second: i64): void {
  const node = nodeAt(table, number);
  store<i64>(node + HASH, first);
  store<i64>(node + HASH, second, 8);
  store<u32>(load<usize>(table + PLACE), (tagOf(second) << NODE_BITS) | number);
  store<i32>(table + IN_TABLE, load<i32>(table + IN_TABLE) + 1);
}

/** Gives back a node, and all that it has. */
export function giveNode(per: usize, table: usize, number: u32): void {
  const node = nodeAt(table, number);
  clearNode(per, table, node);
  store<u32>(node + NEXT, load<u32>(table + NODE_FREE));
  store<u32>(table + NODE_FREE, number);
}

/** Gives back the chunks of a node, and makes it 0. */
export function clearNode(per: usize, table: usize, node: usize): void {
  const parts = partsOf(table, i32(load<u16>(node + NODE_TIER)) - 1);
  const end = parts + load<i32>(table + PART_COUNT) * PART_BYTES;
  for (let part = parts; part < end; part += PART_BYTES) {
    forget(per, part, node + load<i32>(part + PART_STATE));
  }
  memory.fill(node, 0, load<i32>(table + NODE_BYTES));
}
