/** The definitions of a tier in the region, and states that are packed into a node by them. */
import { BLOCK_BYTES, DEFINITION_BYTES, DEFINITIONS, OWN } from "../layout";
import { copy, forget } from "./items";
import {
  EPOCH,
  ITEM,
  ITEM_COUNT,
  NODE_EPOCH,
  NODE_TIER,
  PART_BYTES,
  PART_COUNT,
  PART_DEFINITION,
  PART_STATE,
  PRESENT_TIER,
  TIER,
} from "./layout";
import { pack, partsOf } from "./states";

export function indexOf(part: usize): i32 {
  return (load<i32>(part + PART_DEFINITION) - DEFINITIONS) / DEFINITION_BYTES;
}

/** Puts the definitions of a tier into the region. */
export function use(table: usize, tier: i32, region: usize): void {
  if (load<i32>(table + PRESENT_TIER) === tier) return;
  store<i32>(table + PRESENT_TIER, tier);
  let part = partsOf(table, tier);
  for (const end = part + load<i32>(table + PART_COUNT) * PART_BYTES; part < end; part += PART_BYTES) {
    copy(region + load<i32>(part + PART_DEFINITION), part, DEFINITION_BYTES);
  }
}

/** The block of a region's participant that is not the present one: it is free until the transaction begins. */
export function spareBlock(region: usize, scratch: usize, block: usize): usize {
  const other = load<usize>(scratch + OWN);
  return other === block ? other + load<i32>(region + BLOCK_BYTES) : other;
}

/** Packs the states in a block into a node, which has the tier TIER from now on. */
export function packAll(per: usize, table: usize, node: usize, block: usize): void {
  const tier = load<i32>(table + TIER);
  const count = load<i32>(table + PART_COUNT);
  const old = i32(load<u16>(node + NODE_TIER)) - 1;
  const parts = partsOf(table, tier);
  for (let i = 0; i < count; i++) {
    const part = parts + i * PART_BYTES;
    const state = node + load<i32>(part + PART_STATE);
    if (old >= 0 && old !== tier) {
      forget(per, partsOf(table, old) + i * PART_BYTES, state);
      // The number of the items may stand elsewhere.
      if (load<i32>(part + ITEM)) store<i32>(state + load<i32>(part + ITEM_COUNT), 0);
    }
    pack(per, part, node, block);
  }
  store<u16>(node + NODE_TIER, u16(tier + 1));
  store<i32>(node + NODE_EPOCH, load<i32>(per + EPOCH));
}
