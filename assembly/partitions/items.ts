/**
 * The items of a limit's state: the marks of a debt, or the entries of a log. A node has one of them, the latest. All others lie in a
 * chain of chunks, which a partition has only while it needs them. If no chunk is left, a state goes on with fewer items: it then
 * admits later, and refunds less, and never the other way round.
 */
import { ENTRY_AMOUNT, KIND, RECORD_BYTES, SLIDING_WINDOW } from "../layout";
import {
  CHUNK_BYTES,
  CHUNK_COUNT,
  CHUNK_FREE,
  CHUNKS,
  CHUNKS_USED,
  FIXED,
  ITEM,
  ITEM_COUNT,
  ITEM_LINK,
  LINK_BYTES,
  LINKS,
  ROOM,
} from "./layout";

/** Copies so many bytes, a multiple of 8. They are so few that to call `memory.copy` would cost more. */
export function copy(to: usize, from: usize, bytes: usize): void {
  for (const end = from + bytes; from < end; from += 8, to += 8) store<i64>(to, load<i64>(from));
}

/** Writes the items of the state in a node to `items`. */
export function unpackItems(per: usize, part: usize, state: usize, items: usize): void {
  const size = load<i32>(part + ITEM);
  const count = load<i32>(state + load<i32>(part + ITEM_COUNT));
  if (count === 0) return;
  let left = (count - 1) * size;
  let at = state + load<i32>(part + ITEM_LINK);
  for (; left > 0; left -= CHUNK_BYTES) {
    const chunk = load<i32>(at);
    copy(items, chunkAt(per, chunk), min(left, CHUNK_BYTES));
    items += CHUNK_BYTES;
    at = linkAt(per, chunk);
  }
  // What was copied last may have been less than a chunk.
  copy(items + min(left, 0), itemIn(part, state), size);
}

/** Writes `items` to the state in a node, which has the number of them. There were `before` of them until now. */
export function packItems(per: usize, part: usize, state: usize, items: usize, before: i32): void {
  const size = load<i32>(part + ITEM);
  const count = load<i32>(state + load<i32>(part + ITEM_COUNT));
  let chunks = chunksOf(before, size);
  let left = (count - 1) * size;
  let at = state + load<i32>(part + ITEM_LINK);
  let from = items;
  for (; left > 0; left -= CHUNK_BYTES, chunks--) {
    let chunk: i32;
    if (chunks > 0) {
      chunk = load<i32>(at);
    } else {
      chunk = takeChunk(per);
      if (chunk === 0) break;
      store<i32>(at, chunk);
    }
    copy(chunkAt(per, chunk), from, min(left, CHUNK_BYTES));
    from += CHUNK_BYTES;
    at = linkAt(per, chunk);
  }
  if (chunks > 0) giveChunks(per, load<i32>(at), chunks);
  if (count === 0) return;
  const last = itemIn(part, state);
  if (left <= 0) copy(last, items + (count - 1) * size, size);
  else merge(part, state, items, i32(from - items) / size, count);
}

/** Leaves so many of the items in chunks, and one in the node, since there are no more chunks. */
function merge(part: usize, state: usize, items: usize, kept: i32, count: i32): void {
  const size = load<i32>(part + ITEM);
  const last = itemIn(part, state);
  store<i32>(state + load<i32>(part + ITEM_COUNT), kept + 1);
  // A mark that is missing only makes refunds smaller.
  copy(last, items + kept * size, size);
  if (load<i32>(part + KIND) !== SLIDING_WINDOW) return;
  // Entries become one with the time of the latest.
  let sum: i64 = 0;
  for (let i = kept; i < count; i++) sum += load<i64>(items + i * size + ENTRY_AMOUNT);
  copy(last, items + (count - 1) * size, size);
  store<i64>(last + ENTRY_AMOUNT, sum);
}

/** In how many chunks the first of so many items are: the last one is in the node. */
function chunksOf(count: i32, size: i32): i32 {
  return ((count - 1) * size + CHUNK_BYTES - 1) / CHUNK_BYTES;
}

/** The item that a node has of a state. */
export function itemIn(part: usize, state: usize): usize {
  return state + RECORD_BYTES + load<i32>(part + FIXED);
}

/** Gives back the chunks of a state. */
export function forget(per: usize, part: usize, state: usize): void {
  const size = load<i32>(part + ITEM);
  if (size === 0) return;
  const count = state + load<i32>(part + ITEM_COUNT);
  if (load<i32>(part + ROOM) !== 0) {
    store<i32>(count, 0);
    return;
  }
  const chunks = chunksOf(load<i32>(count), size);
  if (chunks > 0) giveChunks(per, load<i32>(state + load<i32>(part + ITEM_LINK)), chunks);
  store<i32>(count, 0);
}

/** Gives back so many chunks of a chain, from the `first` on. */
function giveChunks(per: usize, first: i32, chunks: i32): void {
  let last = linkAt(per, first);
  while (--chunks > 0) last = linkAt(per, load<i32>(last));
  store<i32>(last, load<i32>(per + CHUNK_FREE));
  store<i32>(per + CHUNK_FREE, first);
}

/** Returns the number of a chunk; 0 if there is none left. */
function takeChunk(per: usize): i32 {
  const free = load<i32>(per + CHUNK_FREE);
  if (free !== 0) {
    store<i32>(per + CHUNK_FREE, load<i32>(linkAt(per, free)));
    return free;
  }
  const used = load<i32>(per + CHUNKS_USED);
  if (used === load<i32>(per + CHUNK_COUNT)) return 0;
  store<i32>(per + CHUNKS_USED, used + 1);
  return used + 1;
}

/** Chunks are counted from 1. */
export function chunkAt(per: usize, chunk: i32): usize {
  return load<usize>(per + CHUNKS) + (chunk - 1) * CHUNK_BYTES;
}

function linkAt(per: usize, chunk: i32): usize {
  return load<usize>(per + LINKS) + (chunk - 1) * LINK_BYTES;
}
