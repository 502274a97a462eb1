/** The partitions of a set that threads share: each participant has a desk, and all have the same places and nodes. */
import {
  BLOCK_BYTES,
  BLOCKS,
  COMMONS,
  DEFINITION_BYTES,
  DEFINITIONS,
  DESK_BYTES,
  DESK_SCRATCH,
  DESKS,
  LINE,
  PER,
  SCRATCHES,
} from "../../assembly/layout.ts";
import {
  ASKED_BYTES,
  COMMON_TABLE_BYTES,
  COMMON_TABLES,
  DIMENSIONS,
  KEY,
  LINE_COUNT,
  LINE_PLACES,
  MAX,
  NODE_BITS,
  NODE_BYTES,
  NODE_COUNT,
  NODES,
  NODES_USED,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  PLACE_BYTES,
  PLACES,
  REFUSES,
  REQUEST,
  SHARED_PLACE,
  SLOT,
  TABLE_BYTES,
  TABLES,
  TEMPORARY,
} from "../../assembly/partitions/layout.ts";
import type { Arena, Heap } from "./arena.ts";
import { blockOf, headOf } from "./block.ts";
import type { Definition } from "./kinds.ts";
import { NamedPartitions, type NameHash } from "./named-partitions.ts";
import { allocate, define, KEY_BYTES } from "./partitions.ts";
import type { Sharing } from "./sharing.ts";
import { type DimensionPlan, sharedTableOf, underTiers } from "./tables.ts";
import { wholeHeapOf } from "./whole.ts";

/** The name of a thread that was reclaimed: nothing is done for it any more. */
const NO_HASH: NameHash = [0, 0, 0, 0];

/** The partitions as the participant of this thread sees them. */
export class Desk extends NamedPartitions {
  /** The address of the desk: in place of that of the region, for the core. */
  readonly region: number;
  readonly #heap: Heap;
  readonly #sharing: Sharing;
  #taken = 0;
  #full = 0;

  constructor(heap: Heap, sharing: Sharing) {
    const words = new Int32Array(heap.memory.buffer);
    const { home, participant } = sharing;
    const desk = (words[(home + DESKS) / 4]! >>> 0) + participant * words[(home + DESK_BYTES) / 4]!;
    const per = words[(desk + PER) / 4]! >>> 0;
    super(heap, per, words[(per + DIMENSIONS) / 4]!);
    this.region = desk;
    this.#heap = heap;
    this.#sharing = sharing;
  }

  /** Whether the region of a set has partitions that threads share. */
  static isIn(heap: Heap, { home }: Sharing): boolean {
    return new Int32Array(heap.memory.buffer)[(home + COMMONS) / 4] !== 0;
  }

  override hash(name: string): NameHash {
    const sharing = this.#sharing;
    if (!sharing.enter()) return NO_HASH;
    try {
      return super.hash(name);
    } finally {
      sharing.exit();
    }
  }

  /** That of the last request, since the desk may be another thread's by now. */
  override get sharedTaken(): number {
    return this.#taken;
  }

  override set sharedTaken(dimensions: number) {
    super.sharedTaken = dimensions;
  }

  override get metFull(): number {
    return this.#full;
  }

  /** Keeps what a request has just been answered. This thread has entered. */
  keep(): void {
    this.#taken = super.sharedTaken;
    this.#full = super.metFull;
  }

  count(dimension: number): number {
    return this.#common(dimension, 4);
  }

  isShared(dimension: number): boolean {
    return this.#common(dimension, 8) !== 0;
  }

  /** A word of what the present block says of a table. */
  #common(dimension: number, word: number): number {
    const { buffer } = this.#heap.memory;
    const sharing = this.#sharing;
    const address = { buffer, start: sharing.home };
    const words = new Int32Array(buffer);
    if (!sharing.enter()) return 0;
    try {
      for (;;) {
        const head = headOf(address);
        const commons = blockOf(head) + words[(sharing.home + COMMONS) / 4]!;
        const common = words[(commons + COMMON_TABLES + dimension * COMMON_TABLE_BYTES + word) / 4]!;
        if (headOf(address) === head) return common;
      }
    } finally {
      sharing.exit();
    }
  }
}

/** The memory of all desks, with the places and the nodes. */
export interface Desks {
  /** The desk of the thread that has a part in the region. */
  deskOf(sharing: Sharing): Desk;
  /** Gives the memory back, once no thread uses the set any more. */
  free(): void;
}

/** The parts of a set whose partitions go over to desks. */
export interface Before {
  readonly partitions: NamedPartitions;
  readonly start: number;
}

/**
 * Makes the desks of a region at `start`, of which no other thread knows yet, and passes on to it what the partitions of a set have that one
 * thread had to itself.
 */
export function layDesks(
  arena: Arena,
  start: number,
  participants: number,
  definitions: readonly Definition[],
  dimensions: readonly DimensionPlan[],
  before: Before,
): Desks {
  const { core } = wholeHeapOf(arena);
  const tables = dimensions.map((plan, i) => sharedTableOf(core, definitions, plan, i, participants));
  const tiers = Math.max(...definitions.map((each) => underTiers(each).length));
  const blockBytes = new Int32Array(arena.memory.buffer, start)[BLOCK_BYTES / 4]!;
  let end = 0;
  const reserve = (bytes: number) => {
    const begin = Math.ceil(end / LINE) * LINE;
    end = begin + bytes;
    return begin;
  };
  // A desk by itself.
  reserve(DEFINITIONS + definitions.length * DEFINITION_BYTES);
  const per = reserve(REQUEST + ASKED_BYTES * tables.length);
  const first = reserve(TABLE_BYTES * tables.length);
  const parts = tables.map(({ limits }) => reserve(PART_BYTES * limits.length * tiers));
  const temporary = reserve(blockBytes);
  const deskBytes = reserve(0);
  // All desks, and behind them what they share.
  end = deskBytes * participants;
  const slotBytes = Math.ceil((8 * tables.length) / LINE) * LINE;
  const slots = reserve(slotBytes * participants);
  const shared = reserve(LINE * tables.length);
  const cleared = reserve(0);
  const places = tables.map(({ lines }) => reserve(PLACE_BYTES * LINE_PLACES * lines));
  const nodeCounts = tables.map(({ max }) => max + participants + 1);
  const nodes = tables.map(({ nodeBytes }, i) => reserve(nodeBytes * (nodeCounts[i]! + 1)));
  const at = allocate(arena, end, tables);
  const { buffer } = arena.memory;
  const words = new Int32Array(buffer);
  const longs = new BigInt64Array(buffer);
  const bytes = new Uint8Array(buffer);
  const write = (from: number, values: Readonly<Record<number, number>>) => {
    for (const [word, value] of Object.entries(values)) words[(from + Number(word)) / 4] = value;
  };
  bytes.copyWithin(at, start, start + DEFINITIONS + definitions.length * DEFINITION_BYTES);
  const key = before.partitions.start + KEY;
  bytes.copyWithin(at + per + KEY, key, key + KEY_BYTES);
  tables.forEach(({ max, refuses, limits, lines, nodeBytes, offsets, rooms }, i) => {
    write(at + first + i * TABLE_BYTES, {
      [LINE_COUNT]: lines,
      [MAX]: max,
      [PLACES]: at + places[i]!,
      [NODES]: at + nodes[i]!,
      [NODE_BYTES]: nodeBytes,
      [NODE_COUNT]: nodeCounts[i]!,
      [NODES_USED]: participants + 1,
      [REFUSES]: Number(refuses),
      [PART_COUNT]: limits.length,
      [SHARED_PLACE]: at + shared + i * LINE,
    });
    // The shared state has the node behind those of the slots.
    longs[(at + shared + i * LINE) / 8] = (1n << 32n) | BigInt(participants + 1);
    for (let tier = tiers - 1; tier >= 0; tier--) {
      limits.forEach((limit, j) => {
        const definition = underTiers(definitions[limit]!)[tier] ?? definitions[limit]!;
        define(arena, at, limit, definition, i);
        const part = at + parts[i]! + (tier * limits.length + j) * PART_BYTES;
        core.enlist(part, at, limit, offsets[j]!, rooms[j]!);
      });
    }
  });
  write(at + per, { [DIMENSIONS]: tables.length });
  for (let participant = 0; participant < participants; participant++) {
    const desk = at + participant * deskBytes;
    if (participant > 0) bytes.copyWithin(desk, at, at + deskBytes);
    write(desk, {
      [PER]: desk + per,
      // Seen from here, the scratch areas are where they are.
      [SCRATCHES]: start + words[(start + SCRATCHES) / 4]! - desk,
      [BLOCKS]: start + words[(start + BLOCKS) / 4]! - desk,
      [DESK_SCRATCH]: core.scratchOf(start, participant),
    });
    write(desk + per, { [TABLES]: desk + first, [TEMPORARY]: desk + temporary });
    tables.forEach((_, i) => {
      const slot = at + slots + participant * slotBytes + i * 8;
      write(desk + first + i * TABLE_BYTES, { [PARTS]: desk + parts[i]!, [SLOT]: slot });
      longs[slot / 8] = (1n << BigInt(NODE_BITS)) | BigInt(participant + 1);
    });
  }
  write(start, { [DESKS]: at, [DESK_BYTES]: deskBytes });
  core.widenPer(before.partitions.start, before.start, core.scratchOf(before.start, 0), at + per, start);
  return {
    deskOf: (sharing) => new Desk(arena, sharing),
    free: () => {
      core.wipeShared(at + per, start);
      arena.refresh();
      arena.f64.fill(0, at / 8, (at + cleared) / 8);
      arena.free(at, end, true);
    },
  };
}
