/** A participant copies the present block, and publishes the copy, changed. */
import * as claims from "./claims";
import { isAlone, present, swap } from "./head";
import {
  BLOCK_BYTES,
  CLAIM_COUNT,
  COUNT,
  DEFINITION_BYTES,
  DEFINITIONS,
  ENTRY_BYTES,
  FIRST,
  KIND,
  LATEST,
  LIMITS,
  LOG,
  LOGGED,
  MAX_ENTRIES,
  OWN,
  PER,
  PIECE,
  RESET_AT,
  SLIDING_WINDOW,
  STATE,
  STATE_BYTES,
  STATES,
} from "./layout";
import { closeStaged, openStaged } from "./partitions/among";
import { carry, hasCommons } from "./partitions/commons";
import { complete, finish } from "./partitions/records";

/**
 * Copies the block that `head` names to that one of the participant's blocks which it does not name. Returns the copy. Where threads share
 * partitions, the records of the block are done first; and where the region is a desk, the partitions of the request are unpacked.
 */
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
  // Only where there are others are there claims.
  if (isAlone(region)) return target;
  const claimed = load<i32>(source + CLAIM_COUNT);
  store<i32>(target + CLAIM_COUNT, claimed);
  if (claimed !== 0) claims.copy(region, source, target);
  if (hasCommons(region)) {
    finish(region, head, source, target);
    carry(region, source, target);
    if (load<usize>(region + PER) !== 0) openStaged(region, head, target);
  }
  return target;
}

/** Publishes the staged block. Returns false, and does nothing, if another thread published first. */
export function publish(region: usize, head: i64, staged: usize): bool {
  if (!hasCommons(region)) return swap(region, head, staged);
  if (load<usize>(region + PER) !== 0) closeStaged(region, head, staged);
  if (!swap(region, head, staged)) return false;
  complete(region, staged);
  return true;
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
