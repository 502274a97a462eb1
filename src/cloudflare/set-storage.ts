/**
 * A hosted set in the storage of its object:
 *
 * - `definition`: the limits with their era, and the layout of the state;
 * - `era <number>`: the limits of an earlier era, to which grants or requests of clients may still belong;
 * - `state`: the core's state, as bytes; where the limits have partitions also how many of each dimension have a row;
 * - `partitions`: what all partitions have in common. Their rows are in a table: partition-table.ts;
 * - `changes`: the ids of the latest changes that a client has asked for;
 * - `held <id>`: the grant of the request with this id, and the end of its lease.
 *
 * All that one event changes is written together, and no answer leaves the object before it is durable: the platform promises that
 * of writes that are not awaited.
 */
import { FORMAT } from "../../assembly/layout.ts";
import { type Era, firstEra, type Tenure } from "../limits/era.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { plainOf } from "../limits/metrics.ts";
import { requestsOf } from "../limits/named-requests.ts";
import type { ObjectStorage } from "./bindings.ts";
import type { StoredNames } from "./hosted-names.ts";
import type { StoredCommon } from "./hosted-partitions.ts";
import type { PartitionTable } from "./partition-table.ts";

/** The limits of one era. Earlier versions had no eras: they left out all but the limits. */
interface StoredEra {
  readonly limits: readonly Limit[];
  readonly number?: number;
  readonly version?: number;
  readonly tenures?: readonly Tenure[];
}

/** The limits of a set, and the layout in which its state was written. */
export interface StoredDefinition extends StoredEra {
  readonly format: number;
  /** The limits of the class when the set last took these over, if it has been redefined since. */
  readonly declared?: readonly Limit[];
}

/** A grant whose lease has not ended. Objects that exist already have these fields in their storage, so their names are fixed. */
export interface StoredGrant {
  /** One entry a limit of its era. */
  readonly units: readonly number[];
  /** The number of its era. Left out for the first one. */
  readonly era?: number;
  /** The token of the acquisition. */
  readonly takenAt: number;
  readonly covered: readonly boolean[] | undefined;
  /** When the lease ends, in milliseconds since the epoch. */
  readonly until: number;
  /** The partitions of a view. Left out without one. */
  readonly at?: StoredNames;
}

/** The state of a set with partitions. */
interface StoredState {
  readonly state: Uint8Array;
  /** How many rows each dimension has. */
  readonly counts: readonly number[];
}

/** All that the storage has of a set. */
export interface StoredSet {
  readonly definition: StoredDefinition | undefined;
  /** The eras before the present one, by their numbers. */
  readonly past: ReadonlyMap<number, Era>;
  readonly state: Uint8Array | undefined;
  /** How many rows each dimension of the limits has. */
  readonly counts: readonly number[];
  readonly common: StoredCommon | undefined;
  readonly changes: readonly string[];
  /** By the ids of their requests. */
  readonly grants: ReadonlyMap<string, StoredGrant>;
  /** When the object's alarm goes off, in milliseconds since the epoch; null if none is set. */
  readonly alarm: number | null;
}

/** An era as it was stored. */
export function eraFrom({ limits, number = 0, version = 0, tenures }: StoredEra): Era {
  const checked = toLimits(limits as readonly LimitLike[]);
  const era = firstEra<string>(checked, requestsOf(checked));
  return { ...era, number, version, tenures: tenures ?? era.tenures };
}

function toStored({ limits, number, version, tenures }: Era): StoredEra {
  return { limits: plainOf(limits), number, version, tenures };
}

const GRANT_PREFIX = "held ";
const ERA_PREFIX = "era ";
// One call of the storage takes at most this many.
const MOST_KEYS = 128;

/** Reads a set from the storage, and gathers its changes until they are written together. */
export class SetStorage {
  readonly #storage: ObjectStorage;
  readonly #openTable: () => PartitionTable | undefined;
  #table: PartitionTable | undefined;
  #changed: Record<string, unknown> = {};
  #deleted: string[] = [];

  constructor(storage: ObjectStorage, openTable: () => PartitionTable | undefined) {
    this.#storage = storage;
    this.#openTable = openTable;
  }

  /** The table of partitions, which is made when it is first asked for; undefined if the storage has no tables. */
  get table(): PartitionTable | undefined {
    this.#table ??= this.#openTable();
    return this.#table;
  }

  async load(): Promise<StoredSet> {
    const [all, alarm] = await Promise.all([this.#storage.list(), this.#storage.getAlarm()]);
    const grants = new Map<string, StoredGrant>();
    const past = new Map<number, Era>();
    for (const [key, value] of all) {
      if (key.startsWith(GRANT_PREFIX)) grants.set(key.slice(GRANT_PREFIX.length), value as StoredGrant);
      else if (key.startsWith(ERA_PREFIX))
        past.set((value as StoredEra).number!, eraFrom(value as StoredEra));
    }
    const stored = all.get("state") as Uint8Array | StoredState | undefined;
    const { state, counts } =
      stored instanceof Uint8Array || !stored ? { state: stored, counts: [] } : stored;
    return {
      past,
      definition: all.get("definition") as StoredDefinition | undefined,
      state,
      counts,
      common: all.get("partitions") as StoredCommon | undefined,
      changes: (all.get("changes") as readonly string[] | undefined) ?? [],
      grants,
      alarm,
    };
  }

  /** `declared` are the limits of the class, if they are others. */
  putDefinition(era: Era, declared: readonly Limit[] | undefined): void {
    const definition = { format: FORMAT, ...toStored(era) };
    const also = declared && { declared: plainOf(declared) };
    this.#put("definition", { ...definition, ...also } satisfies StoredDefinition);
  }

  putEra(era: Era): void {
    this.#put(ERA_PREFIX + era.number, toStored(era));
  }

  deleteEra(number: number): void {
    this.#delete(ERA_PREFIX + number);
  }

  /** `counts` says how many rows each dimension has, if there are any. */
  putState(state: Uint8Array, counts: readonly number[] | undefined): void {
    this.#put("state", counts ? ({ state, counts } satisfies StoredState) : state);
  }

  putCommon(common: Uint8Array): void {
    this.#put("partitions", { format: FORMAT, common } satisfies StoredCommon);
  }

  deleteCommon(): void {
    this.#delete("partitions");
  }

  putChanges(ids: readonly string[]): void {
    this.#put("changes", ids);
  }

  putGrant(id: string, grant: StoredGrant): void {
    this.#put(GRANT_PREFIX + id, grant);
  }

  deleteGrant(id: string): void {
    this.#delete(GRANT_PREFIX + id);
  }

  setAlarm(at: number): void {
    this.#storage.setAlarm(at).catch(ignore);
  }

  #delete(key: string): void {
    delete this.#changed[key];
    this.#deleted.push(key);
  }

  #put(key: string, value: unknown): void {
    this.#changed[key] = value;
  }

  /** Writes the changes. An answer that depends on them may be given afterwards. */
  flush(): void {
    const entries = Object.entries(this.#changed);
    const deleted = this.#deleted;
    this.#changed = {};
    this.#deleted = [];
    for (let i = 0; i < deleted.length; i += MOST_KEYS) {
      this.#storage.delete(deleted.slice(i, i + MOST_KEYS)).catch(ignore);
    }
    for (let i = 0; i < entries.length; i += MOST_KEYS) {
      this.#storage.put(Object.fromEntries(entries.slice(i, i + MOST_KEYS))).catch(ignore);
    }
  }
}

// When a write fails, the platform itself ends the object, and sends none of the answers that depend on the write.
function ignore(): void {}
