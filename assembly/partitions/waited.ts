/** Partitions that requests wait for. */
import { present, readHead } from "../head";
import { LATEST } from "../layout";
import {
  ASKED_BYTES,
  ASKED_TIER,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  REQUEST,
  TABLE_BYTES,
  TABLES,
  TIER,
  WAITED_FOR,
} from "./layout";
import { packAll, spareBlock } from "./packing";
import { isShared } from "./partition";
import { bring, isPassing } from "./pass";
import { partsOf, unpack } from "./states";
import { askedHash, find, insert, makeRoom, nodeAt, takeNode } from "./table";

/**
 * Notes whether requests wait for the partition of a dimension that REQUEST names: it then keeps its place though it has recovered, or gets
 * one, if there is room.
 */
export function waitPer(per: usize, region: usize, scratch: usize, dimension: i32, isWaitedFor: bool): void {
  const table = load<usize>(per + TABLES) + dimension * TABLE_BYTES;
  const asked = per + REQUEST + dimension * ASKED_BYTES;
  const first = askedHash(asked, 0);
  const second = askedHash(asked, 8);
  let node = find(table, first, second);
  if (node === 0 && isPassing(per)) node = bring(per, region, scratch, table, first, second);
  if (node === 0) {
    const now = load<i64>(present(readHead(region)) + LATEST);
    if (!isWaitedFor || isShared(per, table, scratch, now)) return;
    if (makeRoom(per, table, first, scratch, now) !== 0) return;
    const number = takeNode(table);
    node = nodeAt(table, number);
    const tier = load<i32>(asked + ASKED_TIER) - 1;
    store<i32>(table + TIER, tier);
    const count = load<i32>(table + PART_COUNT);
    const spare = spareBlock(region, scratch, present(readHead(region)));
    for (let i = 0; i < count; i++) {
      unpack(
        per,
        partsOf(table, tier) + i * PART_BYTES,
        load<usize>(table + PARTS) + i * PART_BYTES,
        0,
        spare,
      );
    }
    packAll(per, table, node, spare);
    insert(table, number, first, second);
  }
  store<u16>(node + WAITED_FOR, u16(isWaitedFor));
}
