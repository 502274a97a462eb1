/** The head of a set, which names the block with its present state: a participant reads it, copies the block, and publishes the copy. */
import * as claims from "./claims";
import { homeOf } from "./home";
import {
  BLOCK_BYTES,
  CLAIM_COUNT,
  COUNT,
  DEFINITION_BYTES,
  DEFINITIONS,
  ENTRY_BYTES,
  FIRST,
  HEAD,
  KIND,
  LATEST,
  LIMITS,
  LINE_BITS,
  LOG,
  LOGGED,
  MAX_ENTRIES,
  OWN,
  PARTICIPANTS,
  PIECE,
  REGION,
  RESET_AT,
  SLIDING_WINDOW,
  STATE,
  STATE_BYTES,
  STATES,
  VERSION_AT,
} from "./layout";

/** Makes `block` the present one of a new region, of which no other thread knows. */
export function begin(region: usize, block: usize): void {
  store<i64>(region + HEAD, i64(block >>> LINE_BITS));
}

export function readHead(region: usize): i64 {
  return atomic.load<i64>(homeOf(region) + HEAD);
}

/** The block that `head` names. The lower half of the head loses the end of the version by the shift. */
export function present(head: i64): usize {
  return usize(head) << LINE_BITS;
}

/**
 * Whether the block that `head` names belongs to another region, since the set has been redefined. Then it has another shape, and
 * must not be staged here. It is certain only if the head is `unchanged`.
 */
export function isElsewhere(region: usize, head: i64): bool {
  return load<usize>(present(head) + REGION) !== region;
}

/** Copies the block that `head` names to that one of the participant's blocks which it does not name. Returns the copy. */
export function stage(region: usize, scratch: usize, head: i64): usize {
  const source = present(head);
  let target = load<usize>(scratch + OWN);
  if (target === source) target += load<i32>(region + BLOCK_BYTES);
  store<i64>(target + LATEST, load<i64>(source + LATEST));
  store<i64>(target + RESET_AT, load<i64>(source + RESET_AT));
  const end = target + load<i32>(region + STATE_BYTES);
  let from = source + STATES;
  for (let to = target + STATES; to < end; to += PIECE, from += PIECE) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
  if (load<i32>(region + LOGGED)) copyLogs(region, source, target);
  const claimed = load<i32>(source + CLAIM_COUNT);
  store<i32>(target + CLAIM_COUNT, claimed);
  if (claimed !== 0) claims.copy(region, source, target);
  return target;
}

/** Publishes the staged block. Returns false, and does nothing, if another thread published first. */
export function publish(region: usize, head: i64, staged: usize): bool {
  const next = (((head >> VERSION_AT) + 1) << VERSION_AT) | i64(staged >>> LINE_BITS);
  if (!isAlone(region)) return atomic.cmpxchg<i64>(homeOf(region) + HEAD, head, next) === head;
  store<i64>(region + HEAD, next);
  return true;
}

/**
 * Whether the block that was read under `head` was whole: the head is still the same. This is a read-modify-write that
 * changes nothing, and not a load: on weakly ordered processors the plain loads before a load may still sink below it
 * (Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012).
 */
export function unchanged(region: usize, head: i64): bool {
  if (isAlone(region)) return true;
  return atomic.add<i64>(homeOf(region) + HEAD, 0) === head;
}

/** Whether the region has one participant, whose thread no other can overtake. Sharing moves a set to a region with more. */
export function isAlone(region: usize): bool {
  return load<i32>(region + PARTICIPANTS) === 1;
}

/** Copies the live part of each log to the front of the log in the copy. */
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
