/** The partitions of a set go over to nodes that threads share, before any other thread knows of these. */
import { present, readHead } from "../head";
import { HELD, KIND, LATEST, LOG, RESOURCE, STATE } from "../layout";
import { leaveIn } from "./commons";
import { packInline } from "./inline";
import { copy } from "./items";
import {
  ALL_PAUSED,
  HASH,
  IN_TABLE,
  IS_SHARED,
  NODE_EPOCH,
  NODE_TIER,
  NODES_USED,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  PLACE,
  PLACES,
  SHARED_PLACE,
  TABLE_BYTES,
  TABLES,
  WAITED_FOR,
} from "./layout";
import { pin, pinningIn, setBit } from "./pins";
import { nextPlace } from "./spare";
import { partsOf, recoversAt, unpack } from "./states";
import { find, NODE_MASK, nodeAt, sharedNode, tablesEnd, tagOf } from "./table";

/**
 * Copies the partitions `old` of the region `from`, in which `scratch` is that of the only participant, to the partitions `per` of the first
 * participant of the region `to`. Both have the same dimensions, limits and tiers.
 */
export function widenPer(old: usize, from: usize, scratch: usize, per: usize, to: usize): void {
  const source = present(readHead(from));
  const target = present(readHead(to));
  const now = load<i64>(source + LATEST);
  let before = load<usize>(old + TABLES);
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES, before += TABLE_BYTES) {
    const bytes = load<i32>(table + PART_COUNT) * PART_BYTES;
    const parts = load<usize>(table + PARTS);
    for (let at = 0; at < bytes; at += PART_BYTES) {
      const part = parts + at;
      store<i64>(part + ALL_PAUSED, load<i64>(load<usize>(before + PARTS) + at + ALL_PAUSED));
      if (load<i32>(part + KIND) === RESOURCE) store<i64>(target + load<i32>(part + STATE) + HELD, 0);
    }
    const used = load<i32>(before + NODES_USED);
    let next = load<i32>(table + NODES_USED);
    for (let number = 0; number <= used; number++) {
      const isShared = number === 0;
      const node = isShared ? sharedNode(before) : nodeAt(before, number);
      if (isShared ? load<i32>(before + IS_SHARED) === 0 : i32(load<u16>(node + NODE_TIER)) === 0) continue;
      if (recoversAt(old, before, node, scratch, now) <= now) continue;
      const tier = i32(load<u16>(node + NODE_TIER)) - 1;
      const sharedPlace = load<usize>(table + SHARED_PLACE);
      const copied = nodeAt(table, isShared ? u32(load<i64>(sharedPlace)) & NODE_MASK : ++next);
      store<u16>(copied + NODE_TIER, u16(tier + 1));
      store<i32>(copied + NODE_EPOCH, 0);
      for (let at = 0; at < bytes; at += PART_BYTES) {
        const part = partsOf(before, tier) + at;
        unpack(old, part, part, node, source);
        const state = source + load<i32>(part + STATE);
        const into = partsOf(table, tier) + at;
        const held = load<i32>(part + KIND) === RESOURCE ? load<i64>(state + HELD) : 0;
        packInline(into, copied, state, source + load<i32>(part + LOG), 0, held);
        if (held !== 0) {
          const total = target + load<i32>(into + STATE) + HELD;
          store<i64>(total, load<i64>(total) + held);
        }
      }
      if (isShared) {
        store<i32>(table + IS_SHARED, 1);
        continue;
      }
      copy(copied + HASH, node + HASH, 16);
      if (load<u16>(node + WAITED_FOR) !== 0) {
        pin(per, copied, 0, true);
        setBit(pinningIn(to, target), 0, true);
      }
      const second = load<i64>(node + HASH, 8);
      find(before, load<i64>(node + HASH), second);
      // There are as many lines as before.
      const place = load<usize>(table + PLACES) + load<usize>(before + PLACE) - load<usize>(before + PLACES);
      store<i64>(place, nextPlace(0, tagOf(second), next));
      store<i32>(table + IN_TABLE, load<i32>(table + IN_TABLE) + 1);
    }
    store<i32>(table + NODES_USED, next);
  }
  leaveIn(per, to, target);
}
