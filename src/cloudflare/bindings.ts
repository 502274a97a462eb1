/** The types of the platform's objects that this folder uses. Those of `@cloudflare/workers-types` fit, but are not required. */

/** A Durable Object's id. */
export interface ObjectId {
  /** The id in hexadecimal digits. */
  toString(): string;
}

/** A binding to a class of Durable Objects: `env.BUDGET`, for example. */
export interface ObjectNamespace {
  /** The id of the object that has this name. */
  idFromName(name: string): ObjectId;
  /** A stub, by which methods of the object are called. */
  get(id: ObjectId): object;
}

/** A value in a table of an object's storage. */
export type ObjectSqlValue = ArrayBuffer | string | number | null;

/** The rows that a statement has found. */
export interface ObjectSqlCursor extends Iterable<Record<string, ObjectSqlValue>> {
  /** How many rows it has written. */
  readonly rowsWritten: number;
}

/** The tables of an object's storage, of a class that is backed by SQLite. */
export interface ObjectSql {
  /** Carries out a statement at once. */
  exec(
    query: string,
    ...bindings: (ArrayBuffer | ArrayBufferView | string | number | null)[]
  ): ObjectSqlCursor;
}

/**
 * The storage of an object, backed by SQLite or by the older key-value store. Writes need not be awaited: the platform sends no
 * answer of the object before they are durable.
 */
export interface ObjectStorage {
  /** Its tables. To read it throws where the class is not backed by SQLite. */
  readonly sql?: ObjectSql;
  /** All entries whose keys begin with `prefix`. */
  list(options?: { prefix?: string }): Promise<Map<string, unknown>>;
  /** Writes the entries, all or none. */
  put(entries: Record<string, unknown>): Promise<void>;
  /** Deletes the entries with these keys; resolves to their number. */
  delete(keys: string[]): Promise<number>;
  /** The time of the object's alarm, in milliseconds since the epoch; null if there is none. */
  getAlarm(): Promise<number | null>;
  /** Has the runtime wake the object at a time, in milliseconds since the epoch. */
  setAlarm(at: number): Promise<void>;
}

/** The state of an object, which the runtime hands to its constructor. */
export interface ObjectState {
  /** The id of the object. */
  readonly id: ObjectId;
  /** The storage of the object. */
  readonly storage: ObjectStorage;
  /** Runs `callback`; no event reaches the object until it is done. Resolves to the result of `callback`. */
  blockConcurrencyWhile<T>(callback: () => Promise<T>): Promise<T>;
  /** Ends the object, without what it has written in this event; its next event starts it again. */
  abort?(reason?: string): void;
}
