/** Where the nodes of a set are whose partitions threads share. */
import {
  COMMONS,
  DESK_BYTES,
  DESKS,
  HEAD,
  LINE_BITS,
  PARTICIPANTS,
  PER,
  RECORDS,
  REGION,
} from "../../assembly/layout.ts";
import {
  COMMON_TABLE_BYTES,
  COMMON_TABLES,
  DIMENSIONS,
  LINE_COUNT,
  LINE_PLACES,
  NODE_BITS,
  NODE_BYTES,
  NODES,
  PLACES,
  RECORD_BYTES_EACH,
  RECORD_COUNT,
  RECORD_NEW,
  RECORD_OLD,
  RECORD_WORD,
  SHARED_PLACE,
  SLOT,
  TABLE_BYTES,
  TABLES,
  WAITED_FOR,
} from "../../assembly/partitions/layout.ts";

/** For each dimension, the numbers of the nodes that places name; and those of all nodes, each as often as a word names it. */
export interface Nodes {
  readonly inPlaces: number;
  readonly counted: number;
  readonly named: readonly number[];
  readonly used: number;
  /** How many of those in places have the mark of a partition that is waited for. */
  readonly waitedFor: number;
}

/**
 * Reads the tables of the set at `home`, as they are once the records of the present block are done: at rest, the last of its threads may
 * have died before it had done them.
 */
export function nodesAtRest(memory: WebAssembly.Memory, home: number): Nodes[] {
  const words = new Uint32Array(memory.buffer);
  const halves = new Uint16Array(memory.buffer);
  const longs = new BigUint64Array(memory.buffer);
  const word = (at: number) => words[at / 4]!;
  const block = Number((longs[(home + HEAD) / 8]! << BigInt(LINE_BITS)) & 0xffff_ffffn);
  // That of the present definitions.
  const region = word(block + REGION);
  const pending = new Map<number, { old: bigint; next: bigint }>();
  for (let i = 0; i < word(block + word(region + COMMONS) + RECORD_COUNT); i++) {
    const record = block + word(region + RECORDS) + i * RECORD_BYTES_EACH;
    const old = longs[(record + RECORD_OLD) / 8]!;
    pending.set(word(record + RECORD_WORD), { old, next: longs[(record + RECORD_NEW) / 8]! });
  }
  const nodeIn = (at: number) => {
    const now = longs[at / 8]!;
    const record = pending.get(at);
    return Number((record?.old === now ? record.next : now) & BigInt(2 ** NODE_BITS - 1));
  };
  const deskAt = (participant: number) => word(region + DESKS) + participant * word(region + DESK_BYTES);
  const per = word(deskAt(0) + PER);
  return Array.from({ length: word(per + DIMENSIONS) }, (_, dimension) => {
    const tableOf = (participant: number) =>
      word(word(deskAt(participant) + PER) + TABLES) + dimension * TABLE_BYTES;
    const table = tableOf(0);
    const places = Array.from(
      { length: word(table + LINE_COUNT) * LINE_PLACES },
      (_, i) => word(table + PLACES) + 8 * i,
    );
    const inPlaces = places.map(nodeIn).filter((node) => node !== 0);
    const slots = Array.from({ length: word(region + PARTICIPANTS) }, (_, p) =>
      nodeIn(word(tableOf(p) + SLOT)),
    );
    const [nodes, nodeBytes] = [word(table + NODES), word(table + NODE_BYTES)];
    const common = block + word(region + COMMONS) + COMMON_TABLES + dimension * COMMON_TABLE_BYTES;
    return {
      inPlaces: inPlaces.length,
      counted: word(common + 4),
      named: [...inPlaces, ...slots, nodeIn(word(table + SHARED_PLACE))].sort((a, b) => a - b),
      used: word(common),
      waitedFor: inPlaces.filter((node) => halves[(nodes + node * nodeBytes + WAITED_FOR) / 2] !== 0).length,
    };
  });
}
