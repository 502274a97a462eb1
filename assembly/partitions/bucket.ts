/**
 * The state of a token bucket or a GCRA whose debt has one word, packed and unpacked in straight lines: it is that of most partitions, and a
 * take spends as much time on this as on the rest. Its marks but the latest fit one chunk. All else is as in states.ts and items.ts.
 */
import { AT, DEBT, GCRA, KIND, MARK_COUNT, MARKS, PAUSED, STATE } from "../layout";
import { chunkAt, packItems } from "./items";
import { PART_STATE, PAUSED_BYTES } from "./layout";

const COUNT = DEBT + 8 + MARK_COUNT;
const LINK = COUNT + 4;
const FIRST = DEBT + 8 + MARKS;
const MARK = 16;

export function isBucket(part: usize): bool {
  return load<i32>(part + KIND) <= GCRA;
}

/** Does what `unpack` does, where there is a node. */
export function unpackBucket(per: usize, part: usize, node: usize, block: usize): void {
  const state = block + load<i32>(part + STATE);
  const packed = node + load<i32>(part + PART_STATE);
  store<i64>(state, load<i64>(packed, AT - PAUSED_BYTES), PAUSED);
  v128.store(state, v128.load(packed, AT), AT);
  const count = load<i32>(packed, COUNT);
  store<i32>(state, count, COUNT);
  if (count === 0) return;
  if (count > 1) copyOlder(state + FIRST, chunkAt(per, load<i32>(packed, LINK)));
  v128.store(state + (count - 1) * MARK, v128.load(packed, FIRST), FIRST);
}

/** Does what `pack` does. */
export function packBucket(per: usize, part: usize, node: usize, block: usize): void {
  const state = block + load<i32>(part + STATE);
  const packed = node + load<i32>(part + PART_STATE);
  store<i64>(packed, load<i64>(state, PAUSED), AT - PAUSED_BYTES);
  copyWords(packed + AT, state + AT);
  const count = load<i32>(state, COUNT);
  const before = load<i32>(packed, COUNT);
  store<i32>(packed, count, COUNT);
  if (count > 1 === before > 1) {
    if (count > 1) {
      const chunk = chunkAt(per, load<i32>(packed, LINK));
      for (let i = 0; i < (count - 1) * MARK; i += MARK) copyWords(chunk + i, state + FIRST + i);
    }
    if (count > 0) copyWords(packed + FIRST, state + FIRST + (count - 1) * MARK);
  } else {
    packItems(per, part, packed, state + FIRST, before);
  }
}

/** Processors wait where a vector is read whose two words have just been written one by one. */
function copyWords(to: usize, from: usize): void {
  store<i64>(to, load<i64>(from));
  store<i64>(to, load<i64>(from, 8), 8);
}

/** Copies all marks but the latest, of which there are three at most: also those of them that mean nothing. */
function copyOlder(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, MARK), MARK);
  v128.store(to, v128.load(from, 2 * MARK), 2 * MARK);
}
