/** The bridge to the partitions of a set: each name has states of its own there. They lie in memory beside the set's region. */
import { DIMENSION_AT, LINE, LOG, STATE, STATE_BYTES, STATES } from "../../assembly/layout.ts";
import {
  ASKED_BYTES,
  CHUNK_BYTES,
  CHUNK_COUNT,
  CHUNKS,
  DIMENSIONS,
  IN_TABLE,
  IS_SHARED,
  KEY,
  LINE_COUNT,
  LINE_PLACES,
  LINK_BYTES,
  LINKS,
  MAX,
  NODE_BYTES,
  NODES,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  PASSAGE,
  PLACE_BYTES,
  PLACES,
  REFUSES,
  REQUEST,
  TABLE_BYTES,
  TABLES,
} from "../../assembly/partitions/layout.ts";
import { InvalidLimitError } from "../errors.ts";
import { type Answer, isGranted } from "./answer.ts";
import type { Arena, Heap } from "./arena.ts";
import { wordOfDefinition } from "./block.ts";
import { type Definition, kindOf } from "./kinds.ts";
import { NamedPartitions, type NameHash } from "./named-partitions.ts";
import { countIn, type Passage, passageBytes, writePassage } from "./passage.ts";
import { type DimensionPlan, type Table, tableOf, underTiers } from "./tables.ts";

export const KEY_BYTES = 16;

/** Partitions whose set was redefined: some may not have gone over to the next ones yet. */
interface Before {
  readonly partitions: Partitions;
  /** Gives back the region in which they were. */
  readonly leave: () => void;
}

/** So many redefinitions may be under way at once: those before are brought to an end. */
const MOST_BEFORE = 8;
/** More than there can be. */
const ALL = 2 ** 31 - 1;
/** So many partitions go over with a redefinition: that takes less than a millisecond. */
export const PASSED_AT_ONCE = 500;
/** Learns of which partitions a call has changed. */
export interface ChangeLog {
  /** The hashes of a transaction or a change, which has met the shared states of the dimensions `shared`, one bit each. */
  note(hashes: readonly (NameHash | undefined)[], shared: number): void;
}

export class Partitions extends NamedPartitions {
  /** Undefined where no change needs to be known. */
  log: ChangeLog | undefined = undefined;
  readonly #arena: Arena;
  readonly #bytes: number;
  readonly #tables: number;
  readonly #passage: number;
  /** Those of the set before it was redefined, until all have gone over. */
  before: Before | undefined = undefined;

  /**
   * Reserves room for the partitions of the limits in a region of one participant at `region`, where the number of a dimension is its
   * place in `dimensions`. Nothing of the room is touched before it is used.
   */
  constructor(
    arena: Arena,
    region: number,
    definitions: readonly Definition[],
    dimensions: readonly DimensionPlan[],
  ) {
    const { core } = arena;
    const tables = dimensions.map((plan, index) => tableOf(core, definitions, plan, index));
    const tiers = Math.max(...definitions.map((each) => underTiers(each).length));
    let end = REQUEST + ASKED_BYTES * tables.length;
    const reserve = (bytes: number) => {
      const begin = Math.ceil(end / LINE) * LINE;
      end = begin + bytes;
      return begin;
    };
    const first = reserve(TABLE_BYTES * tables.length);
    const parts = tables.map(({ limits }) => reserve(PART_BYTES * limits.length * tiers));
    const passage = reserve(passageBytes(definitions.length));
    const places = tables.map(({ lines }) => reserve(PLACE_BYTES * LINE_PLACES * lines));
    const nodes = tables.map(({ max, nodeBytes }) => reserve(nodeBytes * (max + 2)));
    const chunkCount = tables.reduce((sum, { max, chunks }) => sum + (max + 1) * chunks, 0);
    const chunks = reserve(CHUNK_BYTES * chunkCount);
    const links = reserve(LINK_BYTES * chunkCount);
    const start = allocate(arena, end, tables);
    super(arena, start, tables.length);
    this.#arena = arena;
    this.#bytes = end;
    this.#tables = start + first;
    this.#passage = start + passage;
    const words = new Int32Array(arena.memory.buffer);
    const write = (from: number, values: Readonly<Record<number, number>>) => {
      for (const [word, value] of Object.entries(values)) words[(from + Number(word)) / 4] = value;
    };
    // Random bytes are not written to shared memory at once.
    new Uint8Array(words.buffer).set(crypto.getRandomValues(new Uint8Array(KEY_BYTES)), start + KEY);
    write(start, {
      [DIMENSIONS]: tables.length,
      [TABLES]: this.#tables,
      [CHUNKS]: start + chunks,
      [LINKS]: start + links,
      [CHUNK_COUNT]: chunkCount,
    });
    tables.forEach(({ max, refuses, limits, lines, nodeBytes, offsets }, index) => {
      write(this.#tables + index * TABLE_BYTES, {
        [LINE_COUNT]: lines,
        [MAX]: max,
        [PLACES]: start + places[index]!,
        [NODES]: start + nodes[index]!,
        [NODE_BYTES]: nodeBytes,
        [REFUSES]: Number(refuses),
        [PART_COUNT]: limits.length,
        [PARTS]: start + parts[index]!,
      });
      // The definitions of tier 0 are the last, and stay in the region.
      for (let tier = tiers - 1; tier >= 0; tier--) {
        limits.forEach((limit, i) => {
          define(arena, region, limit, underTiers(definitions[limit]!)[tier] ?? definitions[limit]!);
          const part = start + parts[index]! + (tier * limits.length + i) * PART_BYTES;
          core.enlist(part, region, limit, offsets[i]!, 0);
        });
      }
    });
  }

  get arena(): Heap {
    return this.#arena;
  }

  /** Called after each transaction: notes what it has changed, if it was granted. Returns its answer. */
  noted(hashes: readonly (NameHash | undefined)[], action: number, answer: Answer): Answer {
    if (this.before !== undefined) this.tidy();
    // TAKE and SETTLE are even; PROBE and INSPECT are odd, and change nothing.
    if (this.log !== undefined && isGranted(answer) && (action & 1) === 0)
      this.log.note(hashes, this.sharedTaken);
    return answer;
  }

  /** Whether names may remember their nodes: where there is one dimension, and no take has to be noted. */
  get areRemembered(): boolean {
    return this.dimensions === 1 && this.log === undefined;
  }

  /** How many names of a dimension have a state of their own. */
  count(dimension: number): number {
    return countIn(this.#arena.memory.buffer, this.#tables + dimension * TABLE_BYTES, IN_TABLE);
  }

  /** Whether names of a dimension share a state, as far as that has been looked at. */
  isShared(dimension: number): boolean {
    return this.#word(dimension, IS_SHARED) !== 0;
  }

  /**
   * Takes over what other partitions have: this set is that one, redefined. These have none yet. Names keep their hashes. `leave` gives
   * back the region of the others, once all partitions have gone over: as many as `atOnce` at once, and some more with each call.
   */
  inherit(before: Partitions, passage: Passage, leave: () => void, atOnce = PASSED_AT_ONCE): void {
    const { core, memory } = this.#arena;
    const { to } = passage;
    new Uint8Array(memory.buffer).copyWithin(
      this.start + KEY,
      before.start + KEY,
      before.start + KEY + KEY_BYTES,
    );
    writePassage(memory.buffer, this.#passage, before.start, this.start, passage);
    this.before = { partitions: before, leave };
    core.beginPassing(this.start, to.start, to.scratch);
    let count = atOnce;
    do {
      core.passSome(this.start, to.start, to.scratch, count);
      this.tidy();
      count = ALL;
    } while (this.#countBefore() > MOST_BEFORE);
  }

  /** Lets all partitions go over that have not yet. */
  finish(region: number, scratch: number): void {
    if (!this.before) return;
    this.#arena.core.passSome(this.start, region, scratch, ALL);
    this.tidy();
  }

  /** Gives back the memory of partitions before, from which all have gone over. Only while there are any. */
  tidy(): void {
    // The oldest end first.
    let owner: Partitions = this;
    while (owner.before!.partitions.before) owner = owner.before!.partitions;
    if (new Int32Array(this.#arena.memory.buffer)[(owner.start + PASSAGE) / 4] !== 0) return;
    owner.#endBefore();
    if (this.before) this.tidy();
  }

  /** Gives the memory back. The partitions must not be used afterwards. */
  free(): void {
    this.#endBefore();
    this.#arena.core.wipe(this.start);
    this.#arena.free(this.start, this.#bytes, true);
  }

  #endBefore(): void {
    this.before?.partitions.free();
    this.before?.leave();
    this.before = undefined;
  }

  #countBefore(): number {
    return this.before ? 1 + this.before.partitions.#countBefore() : 0;
  }

  #word(dimension: number, word: number): number {
    const table = this.#tables + dimension * TABLE_BYTES;
    return new Int32Array(this.#arena.memory.buffer)[(table + word) / 4]!;
  }
}

export function allocate(arena: Arena, bytes: number, tables: readonly Pick<Table, "max">[]): number {
  try {
    return arena.allocate(bytes);
  } catch (cause) {
    const most = Math.max(...tables.map(({ max }) => max));
    const room = `the sets of this isolate have taken its addresses, and ${bytes} bytes are needed`;
    const bounds = `fewer, since ${room}: give sets with \`per\` a smaller partitions.max, or close() those that are done;`;
    throw Object.assign(new InvalidLimitError("partitions", most, bounds), { cause });
  }
}

/** Defines limit `index` of a region anew. Its state stays where it is. Among threads, `dimension` is the number of its dimension. */
export function define(
  { core, memory }: Heap,
  region: number,
  index: number,
  definition: Definition,
  dimension = -1,
): void {
  const address = { buffer: memory.buffer, start: region };
  const state = wordOfDefinition(address, index, STATE) - STATES;
  const log = wordOfDefinition(address, index, LOG) - new Int32Array(memory.buffer, region)[STATE_BYTES / 4]!;
  const { capacity, ceiling, windowMicros, flags } = definition;
  const all = flags | ((dimension + 1) << DIMENSION_AT);
  core.define(region, index, kindOf(definition), capacity, ceiling, windowMicros, state, log, all);
}
