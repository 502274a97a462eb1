/** What is used of the platform's own objects: those of `@cloudflare/workers-types` fit, and nobody needs them. */

/** A Durable Object's id. */
export interface ObjectId {
  toString(): string;
}

/** A binding to a class of Durable Objects: `env.BUDGET`. */
export interface ObjectNamespace {
  idFromName(name: string): ObjectId;
  get(id: ObjectId): object;
}

/** The storage of an object: SQLite's or the older one. Writes need no awaiting: nothing leaves the object before they are durable. */
export interface ObjectStorage {
  list(options?: { prefix?: string }): Promise<Map<string, unknown>>;
  put(entries: Record<string, unknown>): Promise<void>;
  delete(keys: string[]): Promise<number>;
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
}

/** What the runtime hands to an object's constructor. */
export interface ObjectState {
  readonly id: ObjectId;
  readonly storage: ObjectStorage;
  blockConcurrencyWhile<T>(callback: () => Promise<T>): Promise<T>;
}
