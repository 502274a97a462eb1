/**
 * The memory in which threads share partitions: a desk for each participant, the slots, the places and the nodes. It lies beside the region;
 * what was never used of it was never touched.
 */
import {
  BLOCKS,
  DEFINITION_BYTES,
  DEFINITIONS,
  DESK_BYTES,
  DESK_SCRATCH,
  DESKS,
  LINE,
  PER,
  SCRATCHES,
  STATES,
} from "../../assembly/layout.ts";
import {
  ASKED_BYTES,
  DIMENSIONS,
  FROM,
  FROM_TABLE,
  HEIR_BYTES,
  HEIRS,
  KEY,
  LINE_COUNT,
  LINE_PLACES,
  MAX,
  NODE_BITS,
  NODE_BYTES,
  NODE_COUNT,
  NODES,
  NODES_USED,
  OLD_MODE,
  OLD_PLACES,
  OLD_REGION,
  OLD_TIERS,
  PART_BYTES,
  PART_COUNT,
  PART_DEFINITION,
  PARTS,
  PASSAGE,
  PIN_BYTES,
  PLACE_BYTES,
  PLACES,
  REFUSES,
  REQUEST,
  ROOM,
  SHARED_PLACE,
  SLOT,
  TABLE_BYTES,
  TABLES,
  TEMPORARY,
} from "../../assembly/partitions/layout.ts";
import type { Heap } from "./arena.ts";
import type { Heir } from "./heir.ts";
import { MODES } from "./inherit.ts";
import type { Definition } from "./kinds.ts";
import { define, KEY_BYTES } from "./partitions.ts";
import { type Followers, passageBytes } from "./passage.ts";
import { type DimensionPlan, pinBytesOf, type SharedTable, sharedTableOf, underTiers } from "./tables.ts";

/** Of a region whose partitions go over to the desks of another. */
export interface DesksBefore {
  /** The region, and the partitions there as the participant of this thread has them. */
  readonly region: number;
  readonly per: number;
  readonly followers: Followers;
  readonly heirs: readonly Heir[];
  readonly mode: keyof typeof MODES;
}

/** All that decides how desks are laid out. */
export interface DesksInit {
  readonly definitions: readonly Definition[];
  readonly dimensions: readonly DimensionPlan[];
  readonly participants: number;
  /** The sizes of all states and of all logs of the region. */
  readonly states: number;
  readonly logs: number;
  readonly before?: DesksBefore | undefined;
}

export class DesksPlan {
  readonly bytes: number;
  /** So many of these, from the first on, have to be 0; and so many but for the places. */
  readonly cleared: number;
  readonly own: number;
  readonly tables: readonly SharedTable[];
  readonly #init: DesksInit;
  readonly #tiers: number;
  readonly #at: Readonly<
    Record<"per" | "first" | "temporary" | "deskBytes" | "slots" | "shared" | "passage", number>
  >;
  readonly #parts: readonly number[];
  readonly #places: readonly number[];
  readonly #nodes: readonly number[];
  readonly #slotBytes: number;

  constructor(heap: Heap, init: DesksInit) {
    const { definitions, dimensions, participants, states, logs, before } = init;
    const held = before && roomsOf(heap, before);
    const least = (limit: number) => held?.get(before!.heirs[limit]!.from) ?? 0;
    const tables = dimensions.map((plan, i) =>
      sharedTableOf(heap.core, definitions, plan, i, participants, least),
    );
    this.#tiers = Math.max(...definitions.map((each) => underTiers(each).length));
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
    this.#parts = tables.map(({ limits }) => reserve(PART_BYTES * limits.length * this.#tiers));
    const temporary = reserve(STATES + states + LINE + logs);
    const deskBytes = reserve(0);
    // All desks, and behind them what they share.
    end = deskBytes * participants;
    this.#slotBytes = Math.ceil((8 * tables.length) / LINE) * LINE;
    const slots = reserve(this.#slotBytes * participants);
    const shared = reserve(LINE * tables.length);
    const passage = reserve(
      before ? passageBytes(definitions.length) + 4 * before.followers.tiers.length : 0,
    );
    this.own = reserve(0);
    this.#places = tables.map(({ lines }) => reserve(PLACE_BYTES * LINE_PLACES * lines));
    this.cleared = reserve(0);
    this.#nodes = tables.map(({ nodeBytes, max }) => reserve(nodeBytes * (max + participants + 2)));
    this.bytes = end;
    this.tables = tables;
    this.#init = init;
    this.#at = { per, first, temporary, deskBytes, slots, shared, passage };
  }

  /** Writes the desks to `at`, for the region at `start`, of which no other thread knows yet. Names are hashed by `key`. */
  write(heap: Heap, at: number, start: number, key: Uint8Array): void {
    const { definitions, participants } = this.#init;
    const { per, first, temporary, deskBytes, slots, shared } = this.#at;
    const { core, memory } = heap;
    const { buffer } = memory;
    const words = new Int32Array(buffer);
    const longs = new BigInt64Array(buffer);
    const bytes = new Uint8Array(buffer);
    const write = (from: number, values: Readonly<Record<number, number>>) => {
      for (const [word, value] of Object.entries(values)) words[(from + Number(word)) / 4] = value;
    };
    const passage = this.#writePassage(buffer, at, start);
    bytes.copyWithin(at, start, start + DEFINITIONS + definitions.length * DEFINITION_BYTES);
    // What a region has there is of no desk.
    write(at, { [FROM]: 0 });
    bytes.set(key, at + per + KEY);
    this.tables.forEach(({ max, refuses, limits, lines, nodeBytes, offsets, rooms }, i) => {
      write(at + first + i * TABLE_BYTES, {
        [LINE_COUNT]: lines,
        [MAX]: max,
        [PLACES]: at + this.#places[i]!,
        [NODES]: at + this.#nodes[i]!,
        [NODE_BYTES]: nodeBytes,
        [NODE_COUNT]: max + participants + 1,
        [NODES_USED]: participants + 1,
        [REFUSES]: Number(refuses),
        [PART_COUNT]: limits.length,
        [SHARED_PLACE]: at + shared + i * LINE,
        [FROM_TABLE]: 1 + (this.#init.before?.followers.dimensions[i] ?? -1),
      });
      // The shared state has the node behind those of the slots.
      longs[(at + shared + i * LINE) / 8] = (1n << 32n) | BigInt(participants + 1);
      for (let tier = this.#tiers - 1; tier >= 0; tier--) {
        limits.forEach((limit, j) => {
          const definition = underTiers(definitions[limit]!)[tier] ?? definitions[limit]!;
          define(heap, at, limit, definition, i);
          const part = at + this.#parts[i]! + (tier * limits.length + j) * PART_BYTES;
          core.enlist(part, at, limit, offsets[j]!, rooms[j]!);
        });
      }
    });
    write(at + per, {
      [DIMENSIONS]: this.tables.length,
      [PASSAGE]: passage,
      [PIN_BYTES]: pinBytesOf(participants),
    });
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
      this.tables.forEach((_, i) => {
        const slot = at + slots + participant * this.#slotBytes + i * 8;
        write(desk + first + i * TABLE_BYTES, { [PARTS]: desk + this.#parts[i]!, [SLOT]: slot });
        longs[slot / 8] = (1n << BigInt(NODE_BITS)) | BigInt(participant + 1);
      });
    }
    write(start, { [DESKS]: at, [DESK_BYTES]: deskBytes });
  }

  /** The address of the partitions of the first participant, where the desks are at `at`. */
  perOf(at: number): number {
    return at + this.#at.per;
  }

  /** Returns the address of the plan by which partitions go over; 0 if there are none before. */
  #writePassage(buffer: ArrayBufferLike, at: number, start: number): number {
    const { before, definitions } = this.#init;
    if (!before) return 0;
    const { region, per, followers, heirs, mode } = before;
    const words = new Int32Array(buffer);
    const passage = at + this.#at.passage;
    const tiers = HEIRS + definitions.length * HEIR_BYTES;
    let places = 0;
    for (const table of tablesAt(buffer, per)) places += LINE_PLACES * words[(table + LINE_COUNT) / 4]!;
    words[(start + FROM) / 4] = region;
    words[(passage + OLD_REGION) / 4] = region;
    words[(passage + OLD_MODE) / 4] = MODES[mode];
    words[(passage + OLD_PLACES) / 4] = places;
    words[(passage + OLD_TIERS) / 4] = tiers;
    words.set(followers.tiers, (passage + tiers) / 4);
    heirs.forEach((heir, i) => {
      new Float64Array(buffer).set([heir.from, heir.ratio], (passage + HEIRS + i * HEIR_BYTES) / 8);
    });
    return passage;
  }
}

/** The key by which the names of partitions at `per` are hashed; a new one if there are none. */
export function keyOf({ memory }: Heap, per: number | undefined): Uint8Array {
  // Random bytes are not written to shared memory at once.
  if (per === undefined) return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return new Uint8Array(memory.buffer, per + KEY, KEY_BYTES).slice();
}

/** For each limit by its index, how many pairs or items a node of the partitions before has room for: in use, they are not to be lost. */
function roomsOf({ memory }: Heap, { per }: DesksBefore): Map<number, number> {
  const words = new Int32Array(memory.buffer);
  const rooms = new Map<number, number>();
  for (const table of tablesAt(memory.buffer, per)) {
    const parts = words[(table + PARTS) / 4]! >>> 0;
    for (let i = 0; i < words[(table + PART_COUNT) / 4]!; i++) {
      const part = parts + i * PART_BYTES;
      const index = (words[(part + PART_DEFINITION) / 4]! - DEFINITIONS) / DEFINITION_BYTES;
      rooms.set(index, words[(part + ROOM) / 4]!);
    }
  }
  return rooms;
}

function tablesAt(buffer: ArrayBufferLike, per: number): number[] {
  const words = new Int32Array(buffer);
  const first = words[(per + TABLES) / 4]! >>> 0;
  return Array.from({ length: words[(per + DIMENSIONS) / 4]! }, (_, i) => first + i * TABLE_BYTES);
}
