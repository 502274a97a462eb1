/**
 * The transaction. A set is one 64-bit head that names the block holding the present state. To change it: copy that
 * block to one of your own two that is not it, run the algorithms on the copy, and publish by one compare-and-swap of
 * the head. All limits of a request change together or not at all, a failed swap means that somebody else's
 * succeeded, and a participant that dies owns two blocks and nothing else.
 *
 * A reader may copy a block that its owner is writing again. Whatever it then computes is thrown away, because the
 * owner can only have had the block back after the head moved on; until that is known, torn numbers may give wrong
 * answers, but no trap and no endless loop.
 *
 * The version in the head makes a swap fail even where the same block has become the head again in between.
 */
import {
  BLOCK_BYTES,
  BLOCKS,
  COUNT,
  DEFINITION_BYTES,
  DEFINITIONS,
  ENTRY_BYTES,
  FIRST,
  HEAD,
  INDEX_BITS,
  INDEX_MASK,
  KIND,
  LATEST,
  LIMITS,
  LOG,
  LOGGED,
  MAX_ENTRIES,
  SLIDING_WINDOW,
  STATE,
  STATE_BYTES,
} from "./layout";

export function readHead(region: usize): i64 {
  return ASC_FEATURE_THREADS ? atomic.load<i64>(region + HEAD) : load<i64>(region + HEAD);
}

export function block(region: usize, index: i32): usize {
  return region + load<i32>(region + BLOCKS) + index * load<i32>(region + BLOCK_BYTES);
}

/** Copies the block that `head` names to the participant's own block that is not it, and returns that one's index. */
export function stage(region: usize, participant: i32, head: i64): i32 {
  const from = i32(head & INDEX_MASK);
  const own = participant << 1;
  const to = own | i32(from === own);
  const source = block(region, from);
  const target = block(region, to);
  const words = target + load<i32>(region + STATE_BYTES);
  for (let at = target, read = source; at < words; at += 8, read += 8) store<i64>(at, load<i64>(read));
  if (load<i32>(region + LOGGED)) copyLogs(region, source, target);
  return to;
}

/** Publishes the staged block. False: somebody else published first, and nothing has happened. */
export function publish(region: usize, head: i64, index: i32): bool {
  const next = (((head >> INDEX_BITS) + 1) << INDEX_BITS) | i64(index);
  if (ASC_FEATURE_THREADS) return atomic.cmpxchg<i64>(region + HEAD, head, next) === head;
  store<i64>(region + HEAD, next);
  return true;
}

/**
 * Whether what was read under `head` was whole. A read-modify-write that changes nothing, not a load: on weakly ordered
 * processors the plain loads before a load may still sink below it (Boehm, "Can seqlocks get along with programming
 * language memory models?", MSPC 2012).
 */
export function unchanged(region: usize, head: i64): bool {
  return ASC_FEATURE_THREADS ? atomic.add<i64>(region + HEAD, 0) === head : true;
}

/** The time of a transaction: a set's time never runs backwards. */
export function advance(staged: usize, reading: i64): i64 {
  return max(reading, load<i64>(staged + LATEST));
}

export function setLatest(staged: usize, now: i64): void {
  store<i64>(staged + LATEST, now);
}

/** Only the live part of each log, moved to its front. */
function copyLogs(region: usize, source: usize, target: usize): void {
  let definition = region + DEFINITIONS;
  const end = definition + load<i32>(region + LIMITS) * DEFINITION_BYTES;
  for (; definition < end; definition += DEFINITION_BYTES) {
    if (load<i32>(definition + KIND) !== SLIDING_WINDOW) continue;
    const state = target + load<i32>(definition + STATE);
    const log = load<i32>(definition + LOG);
    // The mask keeps a torn pair of numbers inside the log.
    const first = load<i32>(state + FIRST) & (MAX_ENTRIES - 1);
    const count = min(load<u32>(state + COUNT), MAX_ENTRIES - first);
    store<i32>(state + FIRST, 0);
    store<i32>(state + COUNT, count);
    memory.copy(target + log, source + log + first * ENTRY_BYTES, count * ENTRY_BYTES);
  }
}
