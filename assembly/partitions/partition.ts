/**
 * Transactions that take from partitions. A request names one partition of each dimension at most. What it has used is unpacked into
 * the present block, as the state of the limits themselves; then the transaction is that of limits of all; and what has changed is
 * packed again. So limits of all and those of partitions are taken from together or not at all.
 *
 * The block may be written to at any time in this, since the only participant of a region is at work.
 */
import { change, EVERY } from "../change";
import { transact } from "../commit";
import { isAlone, present, readHead } from "../head";
import { ACTION, AHEAD, LATEST, PAUSED, PER, RESET, SETTLE, STATE, TAKE } from "../layout";
import { microseconds } from "../time";
import { sitDown } from "./among";
import { CHANGE, closeEvery, convert, dropUnits, isOfEvery, keepsTier } from "./changing";
import { isCrossing } from "./crossing";
import { passAmong } from "./ferry";
import {
  ABSENT,
  ASKED_BYTES,
  ASKED_TIER,
  EPOCH,
  FULL,
  IS_SHARED,
  KNOWN,
  MET_FULL,
  MOVED_AHEAD,
  MOVED_AT,
  MOVED_EPOCH,
  NODE,
  NODE_TIER,
  NOT_NAMED,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  PLACE,
  REFUSES,
  REQUEST,
  SHARED_TAKEN,
  SHARING,
  STATUS,
  TABLE_BYTES,
  TABLES,
  TAKEN_NODE,
  TIER,
} from "./layout";
import { packAll, spareBlock, use } from "./packing";
import { bring, isPassing, passSome } from "./pass";
import { sooner } from "./sooner";
import { follow, partsOf, recoversAt, unpack } from "./states";
import {
  askedHash,
  find,
  giveNode,
  hasNode,
  insert,
  MANY,
  makeRoom,
  NODE_MASK,
  nodeAt,
  sharedNode,
  tablesEnd,
  takeNode,
} from "./table";

/** Where a set has been redefined: so many partitions go over with each call. */
const PASSED_EACH = 8;

/** Does what `transact` does, of the partitions that REQUEST names. */
export function transactPer(
  per: usize,
  region: usize,
  scratch: usize,
  life: i32,
  ms: f64,
  action: i32,
  since: f64,
  from: i32,
  to: i32,
): f64 {
  const what = action & ACTION;
  const reading = microseconds(ms);
  if (!isAlone(region)) {
    const desk = sitDown(region, scratch, reading, what);
    const answer = transact(desk, scratch, life, ms, action, since, from, to);
    // One more goes over with each call that has changed anything: so all are over some time.
    if (answer >= 0 && (what === TAKE || what === SETTLE) && isCrossing(load<usize>(desk + PER))) {
      passAmong(region, scratch, life, 1);
    }
    return answer >= 0 || what === SETTLE
      ? answer
      : sooner(per, region, scratch, answer, reading, action, from, to);
  }
  openAll(per, region, scratch, ms, what);
  const answer = transact(region, scratch, life, ms, action, since, from, to);
  if (answer < 0) return sooner(per, region, scratch, answer, reading, action, from, to);
  if (answer >= 0 && (what === TAKE || what === SETTLE)) closeAll(per, region, scratch, i64(answer), TAKE);
  return answer;
}

/** Does what `change` does, to the partitions that REQUEST names, and to all partitions of a dimension of which it names none. */
export function changePer(per: usize, region: usize, scratch: usize, life: i32, ms: f64, action: i32): f64 {
  const told = isOfEvery(per, scratch, action) ? action | EVERY : action;
  if (!isAlone(region)) {
    return change(sitDown(region, scratch, microseconds(ms), CHANGE + action), scratch, life, ms, told);
  }
  openAll(per, region, scratch, ms, CHANGE);
  const answer = change(region, scratch, life, ms, told);
  if (answer >= 0) closeAll(per, region, scratch, i64(answer), CHANGE + action);
  return answer;
}

/** The wall clock of the only participant has been moved. */
export function movePer(per: usize, region: usize, scratch: usize): void {
  const epoch = load<i32>(per + EPOCH) + 1;
  store<i32>(per + EPOCH, epoch);
  store<i32>(per + MOVED_EPOCH, epoch);
  store<i64>(per + MOVED_AHEAD, load<i64>(scratch + AHEAD));
  store<i64>(per + MOVED_AT, load<i64>(present(readHead(region)) + LATEST));
}

function openAll(per: usize, region: usize, scratch: usize, ms: f64, what: i32): void {
  const block = present(readHead(region));
  const now = max(microseconds(ms), load<i64>(block + LATEST));
  // Before a partition of the request is looked for: its node and its place must not change any more.
  if (isPassing(per)) passMore(per, region, scratch);
  const owed = what === SETTLE ? i32(load<f64>(per + SHARED_TAKEN)) : 0;
  let taken = 0;
  let full = 0;
  let asked = per + REQUEST;
  let table = load<usize>(per + TABLES);
  const end = tablesEnd(per);
  for (let bit = 1; table < end; table += TABLE_BYTES, asked += ASKED_BYTES, bit += bit) {
    open(per, table, asked, region, scratch, block, now, what, (owed & bit) !== 0);
    const status = load<i32>(table + STATUS);
    if (status === SHARING) taken |= bit;
    if (status === FULL) full |= bit;
  }
  store<f64>(per + MET_FULL, f64(full));
  store<f64>(per + SHARED_TAKEN, f64(taken));
  store<f64>(per + TAKEN_NODE, 0);
}

function open(
  per: usize,
  table: usize,
  asked: usize,
  region: usize,
  scratch: usize,
  block: usize,
  now: i64,
  what: i32,
  isOwed: bool,
): void {
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
    node = isOwed ? 0 : find(table, first, second);
    if (node === 0 && !isOwed && isPassing(per)) node = bring(per, region, scratch, table, first, second);
    if (node !== 0) status = KNOWN;
    else if (isOwed || isShared(per, table, scratch, now)) status = SHARING;
    else {
      roomAt = makeRoom(per, table, first, scratch, now);
      status = roomAt === 0 ? ABSENT : load<i32>(table + REFUSES) ? FULL : SHARING;
    }
    // The name has lost its state and its place: there is nothing to settle with.
    if (status === FULL && what === SETTLE) dropUnits(table, scratch, true);
    if (status === SHARING) {
      node = sharedNode(table);
      // The grant took from a state of the name's own, which has recovered: there is nothing to give back.
      if (what === SETTLE && !isOwed) dropUnits(table, scratch, false);
      if (i32(load<u16>(node + NODE_TIER)) === 0) store<u16>(node + NODE_TIER, u16(tier + 1));
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
  use(table, old, region);
  const other = spareBlock(region, scratch, block);
  const count = load<i32>(table + PART_COUNT);
  const parts = partsOf(table, old);
  for (let i = 0; i < count; i++) {
    const part = parts + i * PART_BYTES;
    unpack(per, part, load<usize>(table + PARTS) + i * PART_BYTES, node, block);
    if (status === FULL) store<i64>(block + load<i32>(part + STATE) + PAUSED, roomAt);
    if (old !== tier) convert(partsOf(table, tier) + i * PART_BYTES, region, scratch, block, other, now);
  }
  use(table, tier, region);
}

/** Where a set has been redefined: some partitions go over. More of them do where new names would find no room. */
function passMore(per: usize, region: usize, scratch: usize): void {
  let count = PASSED_EACH;
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES) if (!hasNode(table)) count = MANY;
  passSome(per, region, scratch, count);
}

/** Whether the shared state has not recovered: names without a state of their own go on sharing, or one would take from both. */
export function isShared(per: usize, table: usize, scratch: usize, now: i64): bool {
  if (load<i32>(table + IS_SHARED) === 0) return false;
  if (recoversAt(per, table, sharedNode(table), scratch, now) > now) return true;
  store<i32>(table + IS_SHARED, 0);
  return false;
}

/** Packs what a transaction has changed, or a change: CHANGE and its action. */
function closeAll(per: usize, region: usize, scratch: usize, now: i64, what: i32): void {
  const block = present(readHead(region));
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES) {
    const status = load<i32>(table + STATUS);
    if (status === NOT_NAMED) {
      if (what >= CHANGE) closeEvery(per, table, scratch, block, now, what - CHANGE);
      continue;
    }
    // A name that shares does not forget what the others have used.
    if (status === FULL || (status === SHARING && what === CHANGE + RESET)) continue;
    let number: u32 = 0;
    let node = load<usize>(table + NODE);
    if (status === ABSENT) {
      number = takeNode(table);
      node = nodeAt(table, number);
    }
    packAll(per, table, node, block);
    if (status === SHARING) {
      store<i32>(table + IS_SHARED, 1);
      continue;
    }
    if (status === ABSENT) {
      if (recoversAt(per, table, node, scratch, now) <= now) {
        giveNode(per, table, number);
        continue;
      }
      const asked = per + REQUEST + ((table - load<usize>(per + TABLES)) / TABLE_BYTES) * ASKED_BYTES;
      insert(table, number, askedHash(asked, 0), askedHash(asked, 8));
    }
    store<f64>(per + TAKEN_NODE, f64(load<u32>(load<usize>(table + PLACE)) & NODE_MASK));
  }
}
