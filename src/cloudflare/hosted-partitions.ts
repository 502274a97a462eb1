/**
 * The partitions of a hosted set. Each that does not answer as one never seen has a row in the storage. Rows of an earlier life of the
 * object are read when their names come up, and a few more with each operation, so that an object with a hundred thousand of them starts
 * at once. A hand goes round all rows, and deletes those of partitions that have recovered.
 */
import type { NameHash } from "../core/named-partitions.ts";
import type { ChangeLog, Partitions } from "../core/partitions.ts";
import type { Region } from "../core/region.ts";
import { bytesOfHash, Rows } from "../core/rows.ts";
import type { Limit } from "../limits/limits.ts";
import { dimensionsOf, tiersOf } from "../limits/partitioning.ts";
import type { PartitionTable } from "./partition-table.ts";

/** What all partitions of a set have in common, in the storage. */
export interface StoredCommon {
  readonly format: number;
  readonly common: Uint8Array;
}

/** A dimension, with its rows. */
interface Rowed {
  readonly number: number;
  /** Its name in the table. */
  readonly name: string;
  readonly max: number;
  /** How many rows it has. */
  count: number;
  /** Whether it may have rows that were not read since the object has started. */
  isUnread: boolean;
  /** The hash of the row that was looked at last. */
  hand: Uint8Array;
}

const NOTHING = new Uint8Array();
/** The hand looks at so many rows, once in so many operations; and where there seems to be no room for a new name. */
const LOOKS = 16;
const LOOKS_EVERY = 8;
const MANY_LOOKS = 64;

export class HostedPartitions implements ChangeLog {
  readonly #partitions: Partitions;
  readonly #rows: Rows;
  readonly #table: PartitionTable;
  readonly #tiers: number;
  readonly #dimensions: readonly Rowed[];
  /** The partitions that have changed since the last write, by dimension and hash: without a hash the shared state. */
  #changed = new Map<string, readonly [dimension: Rowed, hash: Uint8Array | undefined]>();
  #operations = 0;
  /** What was written last. */
  #writtenEpoch: number | undefined;
  #writtenCounts = "";

  /**
   * The partitions of a region, whose dimensions have so many rows. `max` is how many names each dimension may have.
   */
  constructor(
    region: Region,
    partitions: Partitions,
    limits: readonly Limit[],
    max: readonly number[],
    counts: readonly number[],
    table: PartitionTable,
  ) {
    this.#partitions = partitions;
    this.#rows = new Rows(region, partitions);
    this.#table = table;
    this.#tiers = tiersOf(limits).length;
    this.#dimensions = dimensionsOf(limits).map((name, number) => ({
      number,
      // SQLite has no lone surrogates.
      name: JSON.stringify(name),
      max: max[number]!,
      count: counts[number] ?? 0,
      isUnread: (counts[number] ?? 0) > 0,
      hand: NOTHING,
    }));
    partitions.log = this;
  }

  /** How many rows each dimension has. */
  get counts(): readonly number[] {
    return this.#dimensions.map(({ count }) => count);
  }

  /** Whether the storage has other counts. */
  get isUnwritten(): boolean {
    return this.#changed.size > 0 || String(this.counts) !== this.#writtenCounts;
  }

  /** Goes on from what was stored. Returns false if it cannot be read. */
  goOn({ common }: StoredCommon, now: number): boolean {
    if (!this.#rows.takeOver(common)) return false;
    this.#writtenEpoch = this.#rows.epoch;
    this.#writtenCounts = String(this.counts);
    for (const { number, name } of this.#dimensions) {
      const shared = this.#table.get(name, NOTHING);
      if (shared) this.#rows.read(number, undefined, shared, this.#tiers, now);
    }
    return true;
  }

  /** Reads the rows of these names, one entry a dimension. To be called before any of them is used. */
  open(hashes: readonly (NameHash | undefined)[], now: number): void {
    for (const dimension of this.#dimensions) {
      const hash = hashes[dimension.number];
      if (!hash || !dimension.isUnread) continue;
      const bytes = bytesOfHash(hash);
      if (!this.#rows.has(dimension.number, bytes)) {
        const state = this.#table.get(dimension.name, bytes);
        if (state) this.#read(dimension, bytes, state, now);
        else if (dimension.count >= dimension.max) this.#look(dimension, MANY_LOOKS, now);
      }
      this.#reserve(dimension);
    }
  }

  note(hashes: readonly (NameHash | undefined)[], shared: number): void {
    for (const dimension of this.#dimensions) {
      const hash = hashes[dimension.number];
      if (!hash) continue;
      const isShared = (shared >> dimension.number) & 1;
      const bytes = isShared ? undefined : bytesOfHash(hash);
      this.#changed.set(`${dimension.number} ${bytes ?? ""}`, [dimension, bytes]);
    }
  }

  /** Writes the partitions that have changed, and looks at a few rows. Returns what all have in common, if that has changed. */
  write(now: number): Uint8Array<ArrayBuffer> | undefined {
    const changed = this.#changed;
    if (changed.size > 0) this.#changed = new Map();
    for (const [dimension, hash] of changed.values()) {
      const state = this.#rows.write(dimension.number, hash, now);
      this.#put(dimension, hash, state);
    }
    if (changed.size > 0 && ++this.#operations % LOOKS_EVERY === 0) {
      for (const dimension of this.#dimensions) this.#look(dimension, LOOKS, now);
    }
    for (const dimension of this.#dimensions) this.#reserve(dimension);
    this.#writtenCounts = String(this.counts);
    const { epoch } = this.#rows;
    if (epoch === this.#writtenEpoch) return undefined;
    this.#writtenEpoch = epoch;
    return this.#rows.common;
  }

  /** Reads all rows. */
  readAll(now: number): void {
    for (const dimension of this.#dimensions) {
      dimension.hand = NOTHING;
      while (dimension.isUnread) this.#look(dimension, MOST_AT_ONCE, now);
    }
  }

  /** Writes all partitions anew, in place of all rows. */
  writeAll(now: number): void {
    this.#table.clear();
    for (const dimension of this.#dimensions) {
      dimension.count = this.#table.add(dimension.name, this.#rows.all(dimension.number, now));
      const shared = this.#rows.write(dimension.number, undefined, now);
      if (shared) this.#table.put(dimension.name, { hash: NOTHING, state: shared });
    }
    this.#changed.clear();
    this.#writtenEpoch = undefined;
  }

  /** The hand looks at the next rows. Once it has been round, all are read. */
  #look(dimension: Rowed, looks: number, now: number): void {
    const rows = this.#table.after(dimension.name, dimension.hand, looks);
    for (const { hash, state } of rows) {
      dimension.hand = hash;
      if (this.#rows.has(dimension.number, hash)) {
        if (!this.#rows.write(dimension.number, hash, now)) this.#put(dimension, hash, undefined);
      } else if (dimension.isUnread) {
        this.#read(dimension, hash, state, now);
      } else {
        // It has made room in memory for another.
        this.#put(dimension, hash, undefined);
      }
    }
    if (rows.length === looks) return;
    dimension.hand = NOTHING;
    dimension.isUnread = false;
  }

  #read(dimension: Rowed, hash: Uint8Array, state: Uint8Array, now: number): void {
    // It has a node kept free for it.
    this.#rows.reserve(dimension.number, 0);
    const reading = this.#rows.read(dimension.number, hash, state, this.#tiers, now);
    if (reading === "recovered" || reading === "unreadable") this.#put(dimension, hash, undefined);
  }

  #put(dimension: Rowed, hash: Uint8Array | undefined, state: Uint8Array | undefined): void {
    const { name } = dimension;
    const change = state
      ? this.#table.put(name, { hash: hash ?? NOTHING, state })
      : -this.#table.delete(name, hash ?? NOTHING);
    if (hash) dimension.count += change;
  }

  /** Keeps nodes free for the names whose rows were not read. */
  #reserve({ number, count, isUnread }: Rowed): void {
    this.#rows.reserve(number, isUnread ? Math.max(0, count - this.#partitions.count(number)) : 0);
  }
}

const MOST_AT_ONCE = 1000;
