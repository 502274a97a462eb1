/**
 * Transactions that take from partitions, of a participant among others. Each participant has a *desk*: the shape and the definitions of
 * the region once more, for its own use, and partitions of its own but for the places and the nodes. A transaction goes on at the desk as it
 * would in the region. Where it has staged the block, the partitions that the request names are found, copied to the spare nodes of the
 * participant, and unpacked into the staged block. Before the block is published they are packed into the spare nodes, and the exchange of
 * the nodes is noted in the block: one swap of the head commits all of it.
 */
import { present, unchanged } from "../head";
import {
  COMMONS,
  DESK_SCRATCH,
  HELD,
  HELD_BYTES,
  KIND,
  LATEST,
  LOG,
  OWED,
  PARTICIPANT,
  PAUSED,
  PER,
  READING,
  RESET,
  RESOURCE,
  SETTLE,
  STATE,
  WHAT,
} from "../layout";
import { CHANGE, closeEvery, convert, dropUnits, keepsTier } from "./changing";
import { fetch, leaveIn } from "./commons";
import { isBefore, land, noteArrival, noteBefore } from "./crossing";
import { deskOf } from "./desk";
import { heldIn, packInline, unpackInline } from "./inline";
import {
  ABSENT,
  ASKED_BYTES,
  ASKED_TIER,
  COMING,
  EPOCH,
  FULL,
  HASH,
  IS_SHARED,
  KNOWN,
  MET_FULL,
  NEXT_SPARE,
  NODE,
  NODE_EPOCH,
  NODE_TIER,
  NOT_NAMED,
  OLD_PLACE,
  OLD_SLOT,
  PART_BYTES,
  PART_COUNT,
  PART_STATE,
  PARTS,
  PLACE,
  REFUSES,
  REQUEST,
  SHARED_PLACE,
  SHARED_TAKEN,
  SHARING,
  SLOT,
  STATUS,
  TABLE_BYTES,
  TABLES,
  TEMPORARY,
  TIER,
} from "./layout";
import { use } from "./packing";
import { note } from "./records";
import { adopt, isSharedAmong, makeRoomAmong, nextPlace, nextSlot } from "./spare";
import { follow, partsOf, recoversAt } from "./states";
import { askedHash, find, NODE_MASK, nodeAt, tablesEnd, tagIn, tagOf } from "./table";

/** Prepares a desk for a transaction, and returns it. `what` is the action; or CHANGE, and its action. */
export function sitDown(region: usize, scratch: usize, reading: i64, what: i32): usize {
  const desk = deskOf(region, load<i32>(scratch + PARTICIPANT));
  store<i64>(desk + READING, reading);
  store<i32>(desk + WHAT, what);
  store<i32>(desk + OWED, what === SETTLE ? i32(load<f64>(load<usize>(desk + PER) + SHARED_TAKEN)) : 0);
  return desk;
}

/** Finds the partitions that the request names, and unpacks them into the block that was just staged. */
export function openStaged(desk: usize, head: i64, staged: usize): void {
  const per = load<usize>(desk + PER);
  fetch(per, desk, staged);
  const now = max(load<i64>(desk + READING), load<i64>(staged + LATEST));
  const owed = load<i32>(desk + OWED);
  let taken = 0;
  let full = 0;
  let asked = per + REQUEST;
  let table = load<usize>(per + TABLES);
  const end = tablesEnd(per);
  for (let bit = 1; table < end; table += TABLE_BYTES, asked += ASKED_BYTES, bit += bit) {
    open(desk, per, table, asked, head, staged, now, (owed & bit) !== 0);
    const status = load<i32>(table + STATUS);
    if (status === SHARING) taken |= bit;
    if (status === FULL) full |= bit;
  }
  store<f64>(per + MET_FULL, f64(full));
  store<f64>(per + SHARED_TAKEN, f64(taken));
}

function open(
  desk: usize,
  per: usize,
  table: usize,
  asked: usize,
  head: i64,
  staged: usize,
  now: i64,
  isOwed: bool,
): void {
  const scratch = load<usize>(desk + DESK_SCRATCH);
  const what = load<i32>(desk + WHAT);
  let tier = load<i32>(asked + ASKED_TIER) - 1;
  let status = NOT_NAMED;
  let node: usize = 0;
  let roomAt: i64 = 0;
  if (tier < 0) {
    store<i32>(table + STATUS, NOT_NAMED);
    if (what <= SETTLE) return;
    tier = 0;
  } else {
    const first = askedHash(asked, 0);
    const second = askedHash(asked, 8);
    if (!isOwed && find(table, first, second) !== 0) {
      status = KNOWN;
    } else if (!isOwed && isBefore(desk, per, table, first, second)) {
      roomAt = makeRoomAmong(per, table, first, scratch, now, true);
      status = roomAt === 0 ? COMING : FULL;
    } else if (isOwed || isSharedAmong(per, table, scratch, now)) {
      status = SHARING;
    } else {
      roomAt = makeRoomAmong(per, table, first, scratch, now, false);
      status = roomAt === 0 ? ABSENT : load<i32>(table + REFUSES) ? FULL : SHARING;
    }
    // The name has lost its state and its place: there is nothing to settle with. The request is changed, so that it has to be sure.
    if (status === FULL && what === SETTLE && unchanged(desk, head)) dropUnits(table, scratch, true);
    if (status === KNOWN) {
      node = adopt(per, table, load<usize>(table + PLACE), tier);
    } else if (status === COMING) {
      node = land(desk, per, table);
    } else if (status === SHARING) {
      node = adopt(per, table, load<usize>(table + SHARED_PLACE), tier);
      // The grant took from a state of the name's own, which has recovered: there is nothing to give back. The request is changed, so that it
      // has to be sure.
      if (what === SETTLE && !isOwed && unchanged(desk, head)) dropUnits(table, scratch, false);
    }
  }
  let old = tier;
  if (node !== 0) {
    follow(per, table, node, scratch);
    old = i32(load<u16>(node + NODE_TIER)) - 1;
    if (old !== tier && keepsTier(per, table, node, scratch, now, what)) tier = old;
  }
  store<i32>(table + STATUS, status);
  store<usize>(table + NODE, node);
  store<i32>(table + TIER, tier);
  use(table, old, desk);
  const participant = load<i32>(scratch + PARTICIPANT);
  const bytes = load<i32>(table + PART_COUNT) * PART_BYTES;
  const parts = partsOf(table, old);
  for (let at = 0; at < bytes; at += PART_BYTES) {
    const part = parts + at;
    unpackInline(part, load<usize>(table + PARTS) + at, node, staged, participant);
    if (status === FULL) store<i64>(staged + load<i32>(part + STATE) + PAUSED, roomAt);
    if (old !== tier) {
      convert(partsOf(table, tier) + at, desk, scratch, staged, load<usize>(per + TEMPORARY), now);
    }
  }
  use(table, tier, desk);
}

/** Packs what a transaction has changed, and notes it in the staged block, which is about to be published. */
export function closeStaged(desk: usize, head: i64, staged: usize): void {
  const per = load<usize>(desk + PER);
  const scratch = load<usize>(desk + DESK_SCRATCH);
  const what = load<i32>(desk + WHAT);
  const now = load<i64>(staged + LATEST);
  const source = present(head);
  const first = load<usize>(per + TABLES);
  const end = tablesEnd(per);
  store<i32>(staged + load<i32>(desk + COMMONS), 0);
  let noted = 0;
  for (let table = first, bit = 1; table < end; table += TABLE_BYTES, bit += bit) {
    const status = load<i32>(table + STATUS);
    if (status === NOT_NAMED) {
      if (what < CHANGE) continue;
      closeEvery(per, table, scratch, staged, now, what - CHANGE);
      keepHeld(table, source, staged, scratch);
      continue;
    }
    // A name that shares does not forget what the others have used.
    if (status === FULL || (status === SHARING && what === CHANGE + RESET)) {
      keepHeld(table, source, staged, scratch);
      continue;
    }
    packAmong(per, table, source, staged, scratch);
    const spare = u32(load<i64>(table + OLD_SLOT)) & NODE_MASK;
    const old = load<i64>(table + OLD_PLACE);
    const place = load<usize>(table + PLACE);
    if (status === ABSENT || status === COMING) {
      const node = nodeAt(table, spare);
      const isKept = recoversAt(per, table, node, scratch, now) > now;
      const asked = per + REQUEST + ((table - first) / TABLE_BYTES) * ASKED_BYTES;
      const second = askedHash(asked, 8);
      if (isKept) {
        store<i64>(node + HASH, askedHash(asked, 0));
        store<i64>(node + HASH, second, 8);
        noteArrival(desk, staged, table, tagOf(second));
      }
      if (status === COMING) noteBefore(desk, staged, table);
      if (!isKept) continue;
    } else {
      // The tag stays.
      note(desk, staged, place, old, nextPlace(old, tagIn(old), spare));
      if (status === SHARING) store<i32>(table + IS_SHARED, 1);
    }
    noted |= bit;
  }
  // The slots come last: see records.ts.
  for (let table = first; noted !== 0; table += TABLE_BYTES, noted >>>= 1) {
    if ((noted & 1) === 0) continue;
    const old = load<i64>(table + OLD_SLOT);
    note(desk, staged, load<usize>(table + SLOT), old, nextSlot(old, load<u32>(table + NEXT_SPARE)));
  }
  leaveIn(per, desk, staged);
}

function packAmong(per: usize, table: usize, source: usize, staged: usize, scratch: usize): void {
  const node = nodeAt(table, u32(load<i64>(table + OLD_SLOT)) & NODE_MASK);
  const participant = load<i32>(scratch + PARTICIPANT);
  const tier = load<i32>(table + TIER);
  let part = partsOf(table, tier);
  for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
    const offset = load<i32>(part + STATE);
    const isResource = load<i32>(part + KIND) === RESOURCE;
    const at = offset + HELD + participant * HELD_BYTES;
    const held = isResource ? load<i64>(staged + at) : 0;
    if (isResource) {
      // The block says what a participant holds in all partitions together.
      const before = heldIn(part, node + load<i32>(part + PART_STATE), participant);
      store<i64>(staged + at, load<i64>(source + at) + held - before);
    }
    packInline(part, node, staged + offset, staged + load<i32>(part + LOG), participant, held);
  }
  store<u16>(node + NODE_TIER, u16(tier + 1));
  store<i32>(node + NODE_EPOCH, load<i32>(per + EPOCH));
}

/** What the participant holds in all partitions together is as it was. */
function keepHeld(table: usize, source: usize, staged: usize, scratch: usize): void {
  const offset = HELD + load<i32>(scratch + PARTICIPANT) * HELD_BYTES;
  let part = load<usize>(table + PARTS);
  for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
    if (load<i32>(part + KIND) !== RESOURCE) continue;
    const at = load<i32>(part + STATE) + offset;
    store<i64>(staged + at, load<i64>(source + at));
  }
}
