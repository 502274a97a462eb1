/** The host of a set without workerd, and a storage in memory. */
import type { ObjectStorage } from "../../src/cloudflare/bindings.ts";
import { Host, type HostOptions } from "../../src/cloudflare/host.ts";
import type { PartitionRow, PartitionTable } from "../../src/cloudflare/partition-table.ts";
import { SetStorage } from "../../src/cloudflare/set-storage.ts";

/** The rows of partitions, by dimension and the digits of their hashes. */
export class Table implements PartitionTable {
  readonly kept = new Map<string, Map<string, PartitionRow>>();
  /** How many rows have been written, and how many were deleted. */
  written = 0;
  deleted = 0;
  /** How often rows were read. */
  reads = 0;

  get(dimension: string, hash: Uint8Array) {
    this.reads++;
    return this.#of(dimension).get(digits(hash))?.state.slice();
  }

  after(dimension: string, hash: Uint8Array, count: number) {
    this.reads++;
    const all = [...this.#of(dimension)].filter(([name]) => name > digits(hash));
    all.sort(([a], [b]) => (a < b ? -1 : 1));
    return all.slice(0, count).map(([, row]) => structuredClone(row));
  }

  put(dimension: string, row: PartitionRow) {
    this.written++;
    const rows = this.#of(dimension);
    const before = rows.size;
    rows.set(digits(row.hash), structuredClone(row));
    return rows.size - before;
  }

  add(dimension: string, rows: Iterable<PartitionRow>) {
    let count = 0;
    for (const row of rows) count += this.put(dimension, row);
    return count;
  }

  delete(dimension: string, hash: Uint8Array) {
    const isDeleted = this.#of(dimension).delete(digits(hash));
    if (isDeleted) this.deleted++;
    return Number(isDeleted);
  }

  clear() {
    this.kept.clear();
  }

  /** How many names of a dimension have a row. */
  count(dimension: string): number {
    return [...this.#of(JSON.stringify(dimension)).keys()].filter((name) => name !== "").length;
  }

  #of(dimension: string): Map<string, PartitionRow> {
    const rows = this.kept.get(dimension) ?? new Map<string, PartitionRow>();
    this.kept.set(dimension, rows);
    return rows;
  }
}

function digits(hash: Uint8Array): string {
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Storage implements ObjectStorage {
  readonly kept = new Map<string, unknown>();
  readonly table = new Table();
  alarm: number | null = null;
  writes = 0;

  async list() {
    return structuredClone(this.kept);
  }

  async put(entries: Record<string, unknown>) {
    this.writes++;
    for (const [name, value] of Object.entries(entries)) this.kept.set(name, structuredClone(value));
  }

  async delete(names: string[]) {
    return names.filter((name) => this.kept.delete(name)).length;
  }

  async getAlarm() {
    return this.alarm;
  }

  async setAlarm(at: number) {
    this.alarm = at;
  }
}

/** The host of an object that starts with this storage. */
export async function startHost(
  storage: Storage,
  options: Pick<HostOptions, "limits" | "clock"> & Partial<HostOptions>,
): Promise<Host> {
  const setStorage = new SetStorage(storage, () => storage.table);
  const others = { config: {}, missingUpdate: "throw", leaseMs: 1000_000, queue: {} } as const;
  return new Host({ ...others, ...options }, setStorage, await setStorage.load());
}
