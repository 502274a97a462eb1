/** The transactions by which a participant among others says for which partitions it waits. */
import { isElsewhere, readHead, unchanged } from "../head";
import { LATEST, PARTICIPANT, PER } from "../layout";
import { isDead, lifeOf } from "../life";
import { INSIDE } from "../seat";
import { publish, stage } from "../staging";
import { wake } from "../wake";
import { fetch, leaveIn } from "./commons";
import { isBefore, land, noteArrival, noteBefore } from "./crossing";
import { deskOf } from "./desk";
import {
  ALL_PAUSED,
  ASKED_BYTES,
  ASKED_TIER,
  EPOCH,
  HASH,
  NEXT_SPARE,
  NODE_COUNT,
  NODE_EPOCH,
  NODE_TIER,
  NODES_USED,
  OLD_PLACE,
  OLD_SLOT,
  PART_BYTES,
  PART_COUNT,
  PART_STATE,
  PARTS,
  PLACE,
  REQUEST,
  SLOT,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { followingIn, hasBit, isPinned, pin, pinningIn, setBit } from "./pins";
import { note } from "./records";
import { adopt, isSharedAmong, makeRoomAmong, nextPlace, nextSlot } from "./spare";
import { NODE_PAUSED, partsOf } from "./states";
import { askedHash, find, NODE_MASK, nodeAt, tagIn, tagOf } from "./table";

/**
 * Does what `waitPer` does, where threads share the partitions. Does nothing if the life of the calling thread is over, or the set has been
 * redefined. The thread has entered.
 */
export function waitAmong(region: usize, scratch: usize, life: i32, dimension: i32, isWaitedFor: bool): void {
  const participant = load<i32>(scratch + PARTICIPANT);
  const desk = deskOf(region, participant);
  const per = load<usize>(desk + PER);
  const table = load<usize>(per + TABLES) + dimension * TABLE_BYTES;
  const asked = per + REQUEST + dimension * ASKED_BYTES;
  while (true) {
    const head = readHead(region);
    if (isDead(scratch, life)) return;
    if (isElsewhere(region, head)) {
      if (unchanged(region, head)) return;
      continue;
    }
    const staged = stage(region, scratch, head);
    fetch(per, region, staged);
    if (!noteWaiting(region, desk, per, table, asked, scratch, staged, isWaitedFor)) {
      if (unchanged(region, head)) return;
      continue;
    }
    if (isWaitedFor) setBit(pinningIn(region, staged), participant, true);
    leaveIn(per, region, staged);
    if (publish(region, head, staged)) break;
  }
  // Where all nodes are in use, another thread may have a waiter that needs one.
  if (!isWaitedFor && load<i32>(table + NODES_USED) === load<i32>(table + NODE_COUNT)) wake(region);
}

/** Notes it in a staged block. Returns false, and does nothing, if there is nothing to note. */
function noteWaiting(
  region: usize,
  desk: usize,
  per: usize,
  table: usize,
  asked: usize,
  scratch: usize,
  staged: usize,
  isWaitedFor: bool,
): bool {
  const participant = load<i32>(scratch + PARTICIPANT);
  const tier = load<i32>(asked + ASKED_TIER) - 1;
  const first = askedHash(asked, 0);
  const second = askedHash(asked, 8);
  const now = load<i64>(staged + LATEST);
  if (find(table, first, second) !== 0) {
    const place = load<usize>(table + PLACE);
    const node = adopt(per, table, place, tier);
    if (isPinned(node, participant) === isWaitedFor) return false;
    pin(per, node, participant, isWaitedFor);
    const old = load<i64>(table + OLD_PLACE);
    note(
      region,
      staged,
      place,
      old,
      nextPlace(old, tagIn(old), u32(load<i64>(table + OLD_SLOT)) & NODE_MASK),
    );
  } else if (isBefore(desk, per, table, first, second)) {
    if (makeRoomAmong(per, table, first, scratch, now, true) !== 0) return false;
    pin(per, land(desk, per, table), participant, isWaitedFor);
    noteArrival(region, staged, table, tagOf(second));
    noteBefore(region, staged, table);
  } else {
    if (!isWaitedFor || isSharedAmong(per, table, scratch, now)) return false;
    if (makeRoomAmong(per, table, first, scratch, now, false) !== 0) return false;
    const node = nodeAt(table, u32(load<i64>(table + OLD_SLOT)) & NODE_MASK);
    beFresh(per, table, node, tier);
    store<i64>(node + HASH, first);
    store<i64>(node + HASH, second, 8);
    pin(per, node, participant, true);
    noteArrival(region, staged, table, tagOf(second));
  }
  const slot = load<i64>(table + OLD_SLOT);
  note(region, staged, load<usize>(table + SLOT), slot, nextSlot(slot, load<u32>(table + NEXT_SPARE)));
  return true;
}

/** Makes a node, which is 0, that of a name never seen. */
function beFresh(per: usize, table: usize, node: usize, tier: i32): void {
  store<u16>(node + NODE_TIER, u16(tier + 1));
  store<i32>(node + NODE_EPOCH, load<i32>(per + EPOCH));
  const common = load<usize>(table + PARTS);
  const parts = partsOf(table, tier);
  for (let at = 0, end = load<i32>(table + PART_COUNT) * PART_BYTES; at < end; at += PART_BYTES) {
    const state = node + load<i32>(parts + at + PART_STATE);
    store<i64>(state + NODE_PAUSED, load<i64>(common + at + ALL_PAUSED));
  }
}

/**
 * The calling thread, which has entered, has followed to `region`: what it has waited for before counts no more. Does nothing if its life is
 * over, or the set has been redefined again.
 */
export function arriveAmong(region: usize, scratch: usize, life: i32): void {
  const participant = load<i32>(scratch + PARTICIPANT);
  while (true) {
    const head = readHead(region);
    if (isDead(scratch, life)) return;
    if (isElsewhere(region, head)) {
      if (unchanged(region, head)) return;
      continue;
    }
    const staged = stage(region, scratch, head);
    if (hasBit(followingIn(region, staged), participant)) {
      setBit(followingIn(region, staged), participant, false);
      if (publish(region, head, staged)) break;
    } else if (unchanged(region, head)) return;
  }
  wake(region);
}

/** The partitions for which a participant has waited, in its `life` which has ended, are waited for no more: see `giveBackAll`. */
export function endPinning(
  region: usize,
  scratch: usize,
  own: i32,
  participant: i32,
  other: usize,
  life: i32,
): void {
  while (true) {
    const head = readHead(region);
    if (lifeOf(scratch) !== (own | INSIDE) || (lifeOf(other) & ~INSIDE) !== life) return;
    if (isElsewhere(region, head)) {
      if (unchanged(region, head)) return;
      continue;
    }
    const staged = stage(region, scratch, head);
    if (hasBit(pinningIn(region, staged), participant)) {
      setBit(pinningIn(region, staged), participant, false);
      if (publish(region, head, staged)) return;
    } else if (unchanged(region, head)) return;
  }
}
