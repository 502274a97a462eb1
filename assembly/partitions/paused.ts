/** Pauses, as the last transaction of a participant has met them. */
import { present, readHead } from "../head";
import { DEFINITION_BYTES, DEFINITIONS, PAUSED, STATE } from "../layout";
import { LAST } from "../time";
import {
  ALL_PAUSED,
  NODE,
  NOT_NAMED,
  PART_BYTES,
  PART_COUNT,
  PART_STATE,
  PARTS,
  STATUS,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { indexOf } from "./packing";
import { NODE_PAUSED } from "./states";
import { tablesEnd } from "./table";

/**
 * Returns until when limit `index` is paused, in microseconds: Infinity if there is no end. Of a limit with partitions it is the partition
 * that the last request has named. `per` is 0 if there are none.
 */
export function pausedUntil(per: usize, region: usize, index: i32): f64 {
  if (per !== 0) {
    for (let table = load<usize>(per + TABLES), end = tablesEnd(per); table < end; table += TABLE_BYTES) {
      if (load<i32>(table + STATUS) === NOT_NAMED) continue;
      const bytes = load<i32>(table + PART_COUNT) * PART_BYTES;
      const parts = load<usize>(table + PARTS);
      for (let at = 0; at < bytes; at += PART_BYTES) {
        if (indexOf(parts + at) !== index) continue;
        const node = load<usize>(table + NODE);
        if (node === 0) return inFloat(load<i64>(parts + at + ALL_PAUSED));
        // The state of a limit begins at the same place under all tiers.
        return inFloat(load<i64>(node + load<i32>(parts + at + PART_STATE) + NODE_PAUSED));
      }
    }
  }
  const definition = region + DEFINITIONS + index * DEFINITION_BYTES;
  return inFloat(load<i64>(present(readHead(region)) + load<i32>(definition + STATE) + PAUSED));
}

function inFloat(until: i64): f64 {
  return until > LAST ? Infinity : f64(until);
}
