/**
 * The partitions of a set as rows of bytes, for a backend that keeps them in a storage: each by itself, and what all have in common. The
 * region has one participant.
 */
import { BLOCK_BYTES, STATES } from "../../assembly/layout.ts";
import {
  ALL_PAUSED,
  EPOCH,
  HASH,
  KEY,
  MOVED_AT,
  NODE_STATES,
  NODE_TIER,
  NODES_USED,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  RESERVED,
  RESET_EPOCH,
  ROW_HAS_NO_ROOM,
  ROW_IS_KEPT,
  ROW_IS_RECOVERED,
  ROW_OF_HASH,
  ROW_OF_SHARED,
  TABLE_BYTES,
  TABLES,
} from "../../assembly/partitions/layout.ts";
import type { NameHash } from "./named-partitions.ts";
import type { Partitions } from "./partitions.ts";
import type { Region } from "./region.ts";
import { type WholeCore, wholeHeapOf } from "./whole.ts";

/** The hash of a name, as a row begins with it. */
const HASH_BYTES = 16;

/** What has become of a row: it has a node; it answers as one that was never seen; there is no node; it is no row of these limits. */
export type Reading = "kept" | "recovered" | "no room" | "unreadable";

const READINGS: Readonly<Record<number, Reading>> = {
  [ROW_IS_KEPT]: "kept",
  [ROW_IS_RECOVERED]: "recovered",
  [ROW_HAS_NO_ROOM]: "no room",
};

/** More than there can be. */
const ALL = 2 ** 31 - 1;

/** The parts of what all partitions have in common: the words of the set, and some of each limit. */
const EPOCHS_BYTES = MOVED_AT + 8 - EPOCH;
const COMMON_BYTES = ALL_PAUSED + 8 - RESET_EPOCH;

/** The bytes of a hash. */
export function bytesOfHash(hash: NameHash): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HASH_BYTES);
  const view = new DataView(bytes.buffer);
  // A number has 32 bits of the hash, and perhaps higher ones that are not of it.
  for (let i = 0; i < 4; i++) view.setUint32(4 * i, hash[i]! % 2 ** 32, true);
  return bytes;
}

/** The hash of which these are the bytes. */
export function hashOfBytes(bytes: Uint8Array): NameHash {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HASH_BYTES);
  const word = (i: number) => 2 ** 52 + view.getUint32(4 * i, true);
  return [word(0), word(1), word(2), word(3)];
}

export class Rows {
  readonly #region: Region;
  readonly #partitions: Partitions;
  readonly #core: WholeCore;
  readonly #scratch: number;

  constructor(region: Region, partitions: Partitions) {
    this.#region = region;
    this.#partitions = partitions;
    const { core } = wholeHeapOf(partitions.arena);
    this.#core = core;
    const { start } = region.address;
    this.#scratch = core.scratchOf(start, 0) >>> 0;
    // The set was redefined: a row is one of the present definitions.
    for (; partitions.before; partitions.tidy()) core.passSome(partitions.start, start, this.#scratch, ALL);
  }

  /** Differs after each change of what all partitions have in common. */
  get epoch(): number {
    return this.#words[(this.#partitions.start + EPOCH) / 4]!;
  }

  /** Whether the name with this hash has a state of its own in memory. */
  has(dimension: number, hash: Uint8Array): boolean {
    this.#lay(hash);
    const { start } = this.#partitions;
    return Boolean(this.#core.hasRow(start, dimension, this.#at));
  }

  /**
   * The row of a name, without its hash; without a hash that of the state that names share. Undefined if it answers as one that was never
   * seen: then it is not in memory any more.
   */
  write(dimension: number, hash: Uint8Array | undefined, now: number): Uint8Array<ArrayBuffer> | undefined {
    if (hash) this.#lay(hash);
    return this.#write(dimension, hash ? ROW_OF_HASH : ROW_OF_SHARED, now)?.slice(HASH_BYTES);
  }

  /** All rows of a dimension, with their hashes, but not that of the shared state. */
  *all(dimension: number, now: number): Iterable<{ readonly hash: Uint8Array; readonly state: Uint8Array }> {
    const used = this.#words[(this.#table(dimension) + NODES_USED) / 4]!;
    for (let node = 1; node <= used; node++) {
      const row = this.#write(dimension, node, now);
      if (row) yield { hash: row.slice(0, HASH_BYTES), state: row.slice(HASH_BYTES) };
    }
  }

  /** Reads the row of a name, or without a hash that of the shared state. The set has so many `tiers`. */
  read(
    dimension: number,
    hash: Uint8Array | undefined,
    row: Uint8Array,
    tiers: number,
    now: number,
  ): Reading {
    const bytes = HASH_BYTES + row.length;
    const { start: region } = this.#region.address;
    if (bytes < NODE_STATES || bytes > this.#words[(region + BLOCK_BYTES) / 4]! - STATES) return "unreadable";
    const tier = new DataView(row.buffer, row.byteOffset).getUint32(NODE_TIER - HASH_BYTES, true);
    if (tier < 1 || tier > tiers + 1) return "unreadable";
    if (hash) this.#lay(hash);
    const { arena: heap, start } = this.#partitions;
    new Uint8Array(heap.memory.buffer).set(row, this.#at + HASH_BYTES);
    const time = this.#timeOf(now);
    const answer = this.#core.readRow(start, region, this.#scratch, dimension, !hash, bytes, time);
    return READINGS[answer] ?? "unreadable";
  }

  /** Keeps nodes free for so many names, which have rows that are not in memory. */
  reserve(dimension: number, names: number): void {
    this.#words[(this.#table(dimension) + RESERVED) / 4] = names;
  }

  /** What all partitions have in common: the key of their hashes, and the changes of all. */
  get common(): Uint8Array<ArrayBuffer> {
    const parts = this.#commonParts;
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** Takes over what partitions had in common. Returns false, and does nothing, if it is not of these limits. */
  takeOver(common: Uint8Array): boolean {
    const parts = this.#commonParts;
    if (common.length !== parts.reduce((sum, part) => sum + part.length, 0)) return false;
    let at = 0;
    for (const part of parts) {
      part.set(common.subarray(at, at + part.length));
      at += part.length;
    }
    return true;
  }

  /** Where in memory that is. */
  get #commonParts(): Uint8Array[] {
    const { arena: heap, start, dimensions } = this.#partitions;
    const at = (from: number, bytes: number) => new Uint8Array(heap.memory.buffer, from, bytes);
    const parts = [at(start + KEY, 16), at(start + EPOCH, EPOCHS_BYTES)];
    for (let dimension = 0; dimension < dimensions; dimension++) {
      const table = this.#table(dimension) / 4;
      const first = this.#words[table + PARTS / 4]! >>> 0;
      for (let i = 0; i < this.#words[table + PART_COUNT / 4]!; i++)
        parts.push(at(first + i * PART_BYTES + RESET_EPOCH, COMMON_BYTES));
    }
    return parts;
  }

  #write(dimension: number, which: number, now: number): Uint8Array | undefined {
    const { arena: heap, start } = this.#partitions;
    const region = this.#region.address.start;
    const time = this.#timeOf(now);
    const size = this.#core.writeRow(start, region, this.#scratch, dimension, which, time);
    return size === 0 ? undefined : new Uint8Array(heap.memory.buffer, this.#at, size);
  }

  #lay(hash: Uint8Array): void {
    new Uint8Array(this.#partitions.arena.memory.buffer).set(hash, this.#at + HASH);
  }

  /** Where a row passes through. */
  get #at(): number {
    return this.#core.rowAt(this.#region.address.start, this.#scratch) >>> 0;
  }

  #table(dimension: number): number {
    const first = this.#words[(this.#partitions.start + TABLES) / 4]! >>> 0;
    return first + dimension * TABLE_BYTES;
  }

  get #words(): Int32Array {
    return new Int32Array(this.#partitions.arena.memory.buffer);
  }

  /** A reading, as the core takes it from a participant with a time of its own. */
  #timeOf(now: number): number {
    return -2 - this.#region.microsOf(now);
  }
}
