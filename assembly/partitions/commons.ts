/**
 * The commons: what concerns all partitions together. Among threads they lie in the block, so that they change with the state. A
 * participant has a copy of them in its own partitions while it is at work: there it reads and changes them as one that is alone does.
 */
import { COMMONS, RECORDS } from "../layout";
import {
  COMMON_AHEAD,
  COMMON_EPOCHS,
  COMMON_PART_BYTES,
  COMMON_PASSED,
  COMMON_TABLE_BYTES,
  COMMON_TABLES,
  DIMENSIONS,
  EPOCH,
  IN_TABLE,
  IS_SHARED,
  MOVED_AHEAD,
  MOVED_AT,
  MOVED_EPOCH,
  NODES_USED,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  PASSED,
  PINNING_AT,
  RECORD_BYTES_EACH,
  RECORD_COUNT,
  RECORDS_A_TABLE,
  RESERVED,
  RESET_EPOCH,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { indexOf } from "./packing";
import { pinBytes, pinningIn } from "./pins";

/** Whether threads share partitions of the region. */
export function hasCommons(region: usize): bool {
  return !IS_ALONE && load<i32>(region + COMMONS) !== 0;
}

/** The size of the commons in a block. */
export function commonsBytes(limits: i32, dimensions: i32, participants: i32): i32 {
  const tables = limits * COMMON_PART_BYTES + dimensions * COMMON_TABLE_BYTES;
  return COMMON_TABLES + tables + 2 * pinBytes(participants);
}

/** The size of the records behind them. */
export function recordsBytes(dimensions: i32): i32 {
  return dimensions * RECORDS_A_TABLE * RECORD_BYTES_EACH;
}

/** Copies the commons of a block to another, which has no records then. */
export function carry(region: usize, source: usize, target: usize): void {
  const at = load<i32>(region + COMMONS);
  store<i32>(target + at + RECORD_COUNT, 0);
  const end = load<i32>(region + RECORDS);
  for (let i = at + COMMON_EPOCHS; i < end; i += 8) store<i64>(target + i, load<i64>(source + i));
}

/** Copies the commons of a staged block to the partitions of a participant. */
export function fetch(per: usize, region: usize, block: usize): void {
  const commons = block + load<i32>(region + COMMONS);
  store<i64>(per + EPOCH, load<i64>(commons + COMMON_EPOCHS));
  store<i64>(per + MOVED_AT, load<i64>(commons + COMMON_EPOCHS + 8));
  store<i64>(per + MOVED_AHEAD, load<i64>(commons + COMMON_AHEAD));
  store<i32>(per + PASSED, load<i32>(commons + COMMON_PASSED));
  store<usize>(per + PINNING_AT, pinningIn(region, block));
  let common = commons + COMMON_TABLES;
  const parts = common + load<i32>(per + DIMENSIONS) * COMMON_TABLE_BYTES;
  let table = load<usize>(per + TABLES);
  for (; common < parts; common += COMMON_TABLE_BYTES, table += TABLE_BYTES) {
    store<i32>(table + NODES_USED, load<i32>(common));
    store<i32>(table + IN_TABLE, load<i32>(common, 4));
    store<i32>(table + IS_SHARED, load<i32>(common, 8));
    store<i32>(table + RESERVED, load<i32>(common, 12));
    let part = load<usize>(table + PARTS);
    for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
      copyPart(part + RESET_EPOCH, parts + indexOf(part) * COMMON_PART_BYTES);
    }
  }
}

/** The other way round. */
export function leaveIn(per: usize, region: usize, block: usize): void {
  const commons = block + load<i32>(region + COMMONS);
  store<i64>(commons + COMMON_EPOCHS, load<i64>(per + EPOCH));
  store<i64>(commons + COMMON_EPOCHS + 8, load<i64>(per + MOVED_AT));
  store<i64>(commons + COMMON_AHEAD, load<i64>(per + MOVED_AHEAD));
  store<i32>(commons + COMMON_PASSED, load<i32>(per + PASSED));
  let common = commons + COMMON_TABLES;
  const parts = common + load<i32>(per + DIMENSIONS) * COMMON_TABLE_BYTES;
  let table = load<usize>(per + TABLES);
  for (; common < parts; common += COMMON_TABLE_BYTES, table += TABLE_BYTES) {
    store<i32>(common, load<i32>(table + NODES_USED));
    store<i32>(common, load<i32>(table + IN_TABLE), 4);
    store<i32>(common, load<i32>(table + IS_SHARED), 8);
    store<i32>(common, load<i32>(table + RESERVED), 12);
    let part = load<usize>(table + PARTS);
    for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
      copyPart(parts + indexOf(part) * COMMON_PART_BYTES, part + RESET_EPOCH);
    }
  }
}

/** The wall clock of a participant has been moved at `now`, and the set's time is `ahead` of it: as `movePer` does. */
export function moveIn(region: usize, block: usize, now: i64, ahead: i64): void {
  const commons = block + load<i32>(region + COMMONS);
  const epoch = load<i32>(commons + COMMON_EPOCHS) + 1;
  store<i32>(commons + COMMON_EPOCHS, epoch);
  store<i32>(commons + COMMON_EPOCHS + (MOVED_EPOCH - EPOCH), epoch);
  store<i64>(commons + COMMON_EPOCHS + 8, now);
  store<i64>(commons + COMMON_AHEAD, ahead);
}

function copyPart(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
}
