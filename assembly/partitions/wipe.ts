/** The end of the partitions of a set. */
import { isElsewhere, present, readHead } from "../head";
import { fetch } from "./commons";
import {
  CHUNK_BYTES,
  CHUNKS,
  CHUNKS_USED,
  HASH,
  LAST,
  LINE_COUNT,
  LINK_BYTES,
  LINKS,
  NODE_BYTES,
  NODE_COUNT,
  NODE_TIER,
  NODES_USED,
  PLACE,
  PLACE_BYTES,
  PLACES,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { find, LINE_BYTES, nodeAt, sharedNode, tablesEnd } from "./table";

/** Makes all memory of the partitions 0, and touches none that was never used. */
export function wipe(per: usize): void {
  let table = load<usize>(per + TABLES);
  const end = tablesEnd(per);
  const places = load<usize>(table + PLACES);
  for (; table < end; table += TABLE_BYTES) {
    const bytes = load<i32>(table + NODE_BYTES);
    const nodes = nodeAt(table, 0);
    const used = nodeAt(table, load<i32>(table + NODES_USED));
    for (let node = nodes; node <= used; node += bytes) {
      if (i32(load<u16>(node + NODE_TIER)) === 0) continue;
      find(table, load<i64>(node + HASH), load<i64>(node + HASH, 8));
      store<u32>(load<usize>(table + PLACE), 0);
    }
    memory.fill(nodes, 0, used + bytes - nodes);
    memory.fill(sharedNode(table), 0, bytes);
  }
  const chunks = load<i32>(per + CHUNKS_USED);
  memory.fill(load<usize>(per + CHUNKS), 0, chunks * CHUNK_BYTES);
  memory.fill(load<usize>(per + LINKS), 0, chunks * LINK_BYTES);
  memory.fill(per, 0, places - per);
}

/** The same, of the places and nodes that threads share: `per` is of one participant. The memory of the desks is left as it is. */
export function wipeShared(per: usize, region: usize): void {
  // Where the set has been redefined, the present block is of another region. A thread that has died may not have noted the last one.
  const head = readHead(region);
  const isLast = !isElsewhere(region, head);
  const block = isLast ? present(head) : load<usize>(region + LAST);
  if (block !== 0) fetch(per, region, block);
  let table = load<usize>(per + TABLES);
  for (const end = tablesEnd(per); table < end; table += TABLE_BYTES) {
    let place = load<usize>(table + PLACES);
    const last = place + load<u32>(table + LINE_COUNT) * LINE_BYTES;
    // To read what was never written touches nothing.
    for (; place < last; place += PLACE_BYTES) if (load<i64>(place) !== 0) store<i64>(place, 0);
    const nodes = nodeAt(table, 0);
    const used = block !== 0 ? load<i32>(table + NODES_USED) : load<i32>(table + NODE_COUNT);
    memory.fill(nodes, 0, nodeAt(table, used + 1) - nodes);
  }
}
