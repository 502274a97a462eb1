/**
 * A take from a partition whose node the caller remembers. A node that was given back has no hash any more, and one that was given to another
 * name has that name's: so half of the hash tells whether it is still the name's own. Neither is the name's place looked for then, nor has the
 * caller to say its hash: that is as much work as the rest of the take.
 */
import { transact } from "../commit";
import { present, readHead } from "../head";
import { isBucket, packBucket, unpackBucket } from "./bucket";
import {
  EPOCH,
  HASH,
  KNOWN,
  MET_FULL,
  NODE,
  NODE_EPOCH,
  NODE_TIER,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  PASSAGE,
  PRESENT_TIER,
  SHARED_TAKEN,
  STATUS,
  TABLES,
  TIER,
} from "./layout";
import { pack, unpack } from "./states";
import { nodeAt } from "./table";

/** Nothing was done: the node is not the name's any more, or something has to be done first. */
export const FORGOTTEN = -f64.MAX_VALUE / 3;

/**
 * Does what `transactPer` does for a TAKE without a tier, of the name whose node has this number; `third` and `fourth` are those words of its
 * hash. The set has one dimension. Returns FORGOTTEN, and does nothing, if `transactPer` has to be called.
 */
export function takeKnown(
  per: usize,
  region: usize,
  scratch: usize,
  ms: f64,
  action: i32,
  from: i32,
  to: i32,
  number: u32,
  third: i32,
  fourth: i32,
): f64 {
  const table = load<usize>(per + TABLES);
  const node = nodeAt(table, number);
  if (
    load<i32>(node + HASH, 8) !== third ||
    load<i32>(node + HASH, 12) !== fourth ||
    load<u16>(node + NODE_TIER) !== 1 ||
    load<i32>(node + NODE_EPOCH) !== load<i32>(per + EPOCH) ||
    load<i32>(table + PRESENT_TIER) !== 0 ||
    load<usize>(per + PASSAGE) !== 0
  ) {
    return FORGOTTEN;
  }
  store<i32>(table + STATUS, KNOWN);
  store<usize>(table + NODE, node);
  store<i32>(table + TIER, 0);
  store<f64>(per + MET_FULL, 0);
  store<f64>(per + SHARED_TAKEN, 0);
  let block = present(readHead(region));
  const parts = load<usize>(table + PARTS);
  const end = parts + load<i32>(table + PART_COUNT) * PART_BYTES;
  for (let part = parts; part < end; part += PART_BYTES) {
    if (isBucket(part)) unpackBucket(per, part, node, block);
    else unpack(per, part, part, node, block);
  }
  const answer = transact(region, scratch, 0, ms, action, 0, from, to);
  if (answer < 0) return answer;
  block = present(readHead(region));
  for (let part = parts; part < end; part += PART_BYTES) {
    if (isBucket(part)) packBucket(per, part, node, block);
    else pack(per, part, node, block);
  }
  return answer;
}
