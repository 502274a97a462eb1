/**
 * The partitions of a hosted set in the storage of its object: a table with one row for each. What is written in one turn becomes durable
 * together, and no answer leaves the object before.
 */
import type { ObjectSql, ObjectSqlCursor, ObjectStorage } from "./bindings.ts";

/** A name has the hash of its UTF-16 units. The state that names share has an empty one. */
export interface PartitionRow {
  readonly hash: Uint8Array;
  readonly state: Uint8Array;
}

export interface PartitionTable {
  get(dimension: string, hash: Uint8Array): Uint8Array | undefined;
  /** The next rows of a dimension behind a hash, in their order: so many at most. */
  after(dimension: string, hash: Uint8Array, count: number): readonly PartitionRow[];
  /** Returns how many rows have been added: 0 or 1. */
  put(dimension: string, row: PartitionRow): number;
  /** Adds rows of a dimension that has none of these. Returns how many. */
  add(dimension: string, rows: Iterable<PartitionRow>): number;
  /** Returns how many rows have been deleted: 0 or 1. */
  delete(dimension: string, hash: Uint8Array): number;
  /** Deletes all rows. */
  clear(): void;
}

/** Called when a statement has failed. */
export type Failed = (error: unknown) => void;

// A statement has at most 100 bindings.
const MOST_AT_ONCE = 33;
// Programs may have tables of their own.
const NAME = "limitset_partitions";

class SqlTable implements PartitionTable {
  readonly #sql: ObjectSql;
  readonly #failed: Failed;

  constructor(sql: ObjectSql, failed: Failed) {
    this.#sql = sql;
    this.#failed = failed;
    // Without row ids a row that is written counts as one, and not as another of an index too.
    sql.exec(
      `CREATE TABLE IF NOT EXISTS ${NAME} (dimension TEXT, hash BLOB, state BLOB, PRIMARY KEY (dimension, hash)) WITHOUT ROWID`,
    );
  }

  get(dimension: string, hash: Uint8Array): Uint8Array | undefined {
    for (const { state } of this.#exec(
      `SELECT state FROM ${NAME} WHERE dimension = ? AND hash = ?`,
      dimension,
      hash,
    ))
      return bytesOf(state);
    return undefined;
  }

  after(dimension: string, hash: Uint8Array, count: number): readonly PartitionRow[] {
    const found = this.#exec(
      `SELECT hash, state FROM ${NAME} WHERE dimension = ? AND hash > ? ORDER BY hash LIMIT ?`,
      ...[dimension, hash, count],
    );
    return Array.from(found, ({ hash, state }) => ({ hash: bytesOf(hash), state: bytesOf(state) }));
  }

  put(dimension: string, { hash, state }: PartitionRow): number {
    const update = `UPDATE ${NAME} SET state = ? WHERE dimension = ? AND hash = ?`;
    if (this.#exec(update, state, dimension, hash).rowsWritten > 0) return 0;
    this.#exec(`INSERT INTO ${NAME} VALUES (?, ?, ?)`, dimension, hash, state);
    return 1;
  }

  add(dimension: string, rows: Iterable<PartitionRow>): number {
    let count = 0;
    let values: (string | Uint8Array)[] = [];
    const insert = () => {
      const places = Array.from({ length: values.length / 3 }, () => "(?, ?, ?)").join();
      if (places !== "") this.#exec(`INSERT INTO ${NAME} VALUES ${places}`, ...values);
      values = [];
    };
    for (const { hash, state } of rows) {
      values.push(dimension, hash, state);
      if (++count % MOST_AT_ONCE === 0) insert();
    }
    insert();
    return count;
  }

  delete(dimension: string, hash: Uint8Array): number {
    const found = this.#exec(`DELETE FROM ${NAME} WHERE dimension = ? AND hash = ?`, dimension, hash);
    return Math.min(1, found.rowsWritten);
  }

  clear(): void {
    this.#exec(`DELETE FROM ${NAME}`);
  }

  #exec(...statement: Parameters<ObjectSql["exec"]>): ObjectSqlCursor {
    try {
      return this.#sql.exec(...statement);
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }
}

function bytesOf(value: unknown): Uint8Array {
  return new Uint8Array(value as ArrayBuffer);
}

/** The table in a storage; undefined if the object's class is not backed by SQLite. */
export function tableIn(storage: ObjectStorage, failed: Failed): PartitionTable | undefined {
  try {
    const { sql } = storage;
    return sql && new SqlTable(sql, failed);
  } catch (error) {
    if (error instanceof Error && error.message.includes("not backed by SQLite")) return undefined;
    throw error;
  }
}
