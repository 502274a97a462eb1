/** The end of the partitions of a set. */
import {
  CHUNK_BYTES,
  CHUNKS,
  CHUNKS_USED,
  HASH,
  LINK_BYTES,
  LINKS,
  NODE_BYTES,
  NODE_TIER,
  NODES_USED,
  PLACE,
  PLACES,
  TABLE_BYTES,
  TABLES,
} from "./layout";
import { find, nodeAt, sharedNode, tablesEnd } from "./table";

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
