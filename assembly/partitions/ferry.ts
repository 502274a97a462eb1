/**
 * The transactions by which partitions go over that no request has named: see crossing.ts. The calls of all threads make them, one each; and whatever has
 * to look at all partitions makes as many as there are left.
 */
import { isElsewhere, readHead, unchanged } from "../head";
import { LATEST, PARTICIPANT, PER } from "../layout";
import { lifeOf } from "../life";
import { INSIDE } from "../seat";
import { publish, stage } from "../staging";
import { fetch, leaveIn } from "./commons";
import { deskBefore, isCrossing, land, lift, noteArrival, noteBefore } from "./crossing";
import { deskOf } from "./desk";
import {
  FROM_TABLE,
  HASH,
  LINE_COUNT,
  LINE_PLACES,
  NEXT_SPARE,
  OLD_SLOT,
  PASSAGE,
  PASSED,
  PLACE_BYTES,
  PLACES,
  RESERVED,
  SLOT,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { note } from "./records";
import { makeRoomAmong, nextSlot } from "./spare";
import { NODE_MASK, nodeAt, tablesEnd, tagOf } from "./table";

/** So many places are gone through in one transaction, where none of their partitions has to go over. */
const LOOKS = 4096;

/**
 * Lets so many partitions go over, or goes through so many places before. The calling thread has entered. Returns false if none is left, or the
 * thread's life is over, or the region has been left.
 */
export function passAmong(region: usize, scratch: usize, life: i32, count: i32): bool {
  const desk = deskOf(region, load<i32>(scratch + PARTICIPANT));
  const per = load<usize>(desk + PER);
  if (load<usize>(per + PASSAGE) === 0) return false;
  for (; count > 0; count--) {
    const head = readHead(region);
    if (lifeOf(scratch) !== (life | INSIDE) || isElsewhere(region, head)) return false;
    const staged = stage(region, scratch, head);
    fetch(per, region, staged);
    if (!isCrossing(per)) {
      // In a torn block that may be what another thread was just about to publish.
      if (unchanged(region, head)) return false;
      continue;
    }
    passNext(region, desk, per, scratch, staged);
    leaveIn(per, region, staged);
    publish(region, head, staged);
  }
  return true;
}

/** Lets the next partition go over, in a staged block. */
function passNext(region: usize, desk: usize, per: usize, scratch: usize, staged: usize): void {
  const old = deskBefore(per, load<i32>(scratch + PARTICIPANT));
  const oldPer = load<usize>(old + PER);
  const oldTables = load<usize>(oldPer + TABLES);
  let index = load<i32>(per + PASSED);
  let begin = 0;
  let looks = LOOKS;
  for (let before = oldTables; before < tablesEnd(oldPer) && looks > 0; before += TABLE_BYTES) {
    const end = begin + load<i32>(before + LINE_COUNT) * LINE_PLACES;
    const table = index < end ? tableAfter(per, (before - oldTables) / TABLE_BYTES) : 0;
    // Where no limit has the dimension any more, all of it is dropped.
    if (table === 0) index = max(index, end);
    for (; index < end && looks > 0; looks--) {
      const place = load<usize>(before + PLACES) + (index - begin) * PLACE_BYTES;
      index++;
      if ((u32(atomic.load<i64>(place)) & NODE_MASK) === 0) continue;
      if (lift(per, table, old, before, place, scratch)) {
        cross(region, desk, per, table, scratch, staged, before);
        looks = 0;
        break;
      }
      store<i32>(table + RESERVED, load<i32>(table + RESERVED) - 1);
    }
    begin = end;
  }
  store<i32>(per + PASSED, index);
}

/** Lets the partition that was lifted go over, in a staged block. */
function cross(
  region: usize,
  desk: usize,
  per: usize,
  table: usize,
  scratch: usize,
  staged: usize,
  before: usize,
): void {
  const from = nodeAt(before, u32(load<i64>(before + OLD_SLOT)) & NODE_MASK);
  const first = load<i64>(from + HASH);
  const second = load<i64>(from + HASH, 8);
  if (makeRoomAmong(per, table, first, scratch, load<i64>(staged + LATEST), true) !== 0) return;
  land(desk, per, table);
  noteArrival(region, staged, table, tagOf(second));
  noteBefore(region, staged, table);
  const slot = load<i64>(table + OLD_SLOT);
  note(region, staged, load<usize>(table + SLOT), slot, nextSlot(slot, load<u32>(table + NEXT_SPARE)));
}

/** The table to which those of the table before with this number go over; 0 if there is none. */
function tableAfter(per: usize, before: usize): usize {
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES) {
    if (load<usize>(table + FROM_TABLE) === before + 1) return table;
  }
  return 0;
}
