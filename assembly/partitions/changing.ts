/** Partitions in a transaction: the tier that changes, the refunds that are void, and the changes that concern all of them. */
import { inherit } from "../inherit";
import * as kinds from "../kinds";
import {
  CALENDAR,
  INHERIT_USED,
  INSPECT,
  KIND,
  LOG,
  LOWER,
  PAUSE,
  PAUSED,
  RESET,
  RESOURCE,
  SETTLE,
  STATE,
  UNIT_BYTES,
  UNITS,
} from "../layout";
import {
  ALL_PAUSED,
  ASKED_BYTES,
  ASKED_TIER,
  DIMENSIONS,
  EPOCH,
  PART_BYTES,
  PART_COUNT,
  PART_DEFINITION,
  PARTS,
  PAUSE_EPOCH,
  REQUEST,
  RESET_EPOCH,
  RESET_TIME,
  RESUME_EPOCH,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { indexOf } from "./packing";
import { recoversAt } from "./states";

/** In place of the action of a transaction: it takes nothing, and changes limits. */
export const CHANGE = 4;

/** Whether an action resets all partitions of a dimension: REQUEST names none there. */
export function isOfEvery(per: usize, scratch: usize, action: i32): bool {
  if (action !== RESET) return false;
  let asked = per + REQUEST;
  let table = load<usize>(per + TABLES);
  const end = table + load<i32>(per + DIMENSIONS) * TABLE_BYTES;
  for (; table < end; table += TABLE_BYTES, asked += ASKED_BYTES) {
    if (load<i32>(asked + ASKED_TIER) !== 0) continue;
    let part = load<usize>(table + PARTS);
    for (const last = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < last; part += PART_BYTES) {
      if (load<f64>(unitsOf(part, scratch)) >= 0) return true;
    }
  }
  return false;
}

/** Leaves out what a settlement would give back to the limits of a table; with `isAll`, also what it would charge. */
export function dropUnits(table: usize, scratch: usize, isAll: bool): void {
  let part = load<usize>(table + PARTS);
  for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
    const units = unitsOf(part, scratch);
    if (isAll || load<f64>(units) < 0) store<f64>(units, 0);
  }
}

/**
 * Whether the partition in a node keeps its tier, though a view of another tier asks. A settlement goes by the definition that the partition
 * has by now; one that has recovered is as never seen, and so it has no tier. All else turns it to that of the view, if one of its limits is
 * taken from, changed or read.
 */
export function keepsTier(per: usize, table: usize, node: usize, scratch: usize, now: i64, what: i32): bool {
  if (what === SETTLE) return recoversAt(per, table, node, scratch, now) > now;
  if (what === INSPECT) return false;
  const least: f64 = what >= CHANGE ? 0 : 1;
  let part = load<usize>(table + PARTS);
  for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
    if (load<f64>(unitsOf(part, scratch)) >= least) return false;
  }
  return true;
}

function unitsOf(part: usize, scratch: usize): usize {
  return scratch + UNITS + indexOf(part) * UNIT_BYTES;
}

/**
 * Turns the state of a limit in the block into one by the definition of another tier: what is used stays used. `other` is room as large as a
 * block.
 */
export function convert(
  to: usize,
  region: usize,
  scratch: usize,
  block: usize,
  other: usize,
  now: i64,
): void {
  const kind = load<i32>(to + KIND);
  const index = indexOf(to);
  // The calendar is the same: so the count goes on in its window, which need not be known.
  const isCalendar =
    kind === CALENDAR && load<i32>(region + load<i32>(to + PART_DEFINITION) + KIND) === CALENDAR;
  if (kind === RESOURCE || isCalendar) return;
  const state = load<i32>(to + STATE);
  const bytes = kinds.stateBytes(kind, 1);
  memory.fill(other + state, 0, bytes);
  // As if the part were a definition of another region.
  const next = to - load<i32>(to + PART_DEFINITION);
  inherit(region, block, index, next, other, index, scratch, f64(now), INHERIT_USED, 1);
  memory.copy(block + state, other + state, bytes);
  const log = load<i32>(to + LOG);
  memory.copy(block + log, other + log, kinds.logBytes(kind));
}

/** Does to all partitions of a table what a change has done to the limits. */
export function closeEvery(
  per: usize,
  table: usize,
  scratch: usize,
  block: usize,
  now: i64,
  action: i32,
): void {
  let part = load<usize>(table + PARTS);
  for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
    if (load<f64>(unitsOf(part, scratch)) < 0) continue;
    if (action === LOWER) continue;
    const epoch = load<i32>(per + EPOCH) + 1;
    store<i32>(per + EPOCH, epoch);
    if (action === RESET) {
      store<i32>(part + RESET_EPOCH, epoch);
      store<i64>(part + RESET_TIME, now);
    } else {
      store<i32>(part + (action === PAUSE ? PAUSE_EPOCH : RESUME_EPOCH), epoch);
      store<i64>(part + ALL_PAUSED, load<i64>(block + load<i32>(part + STATE) + PAUSED));
    }
  }
}
