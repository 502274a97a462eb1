/**
 * The set of a host, in its eras: the present one, and those before it to which grants or requests of clients may still belong. It
 * goes on from a stored set, and keeps the storage in step.
 */
import { INTERNALS, type Internals, type OptionsWithRegion } from "../acquisition/internals.ts";
import type { Acquisition } from "../contract.ts";
import type { Region } from "../core/region.ts";
import { LimitSet } from "../limit-set.ts";
import { type Era, passAmounts, type RedefineOptions } from "../limits/era.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { ERA } from "../limits/living.ts";
import { plainOf } from "../limits/metrics.ts";
import type { Naming } from "../limits/partition-names.ts";
import { checkPartitionOptions } from "../limits/partition-options.ts";
import { areAlike } from "../limits/sameness.ts";
import type { SetClock } from "../platform/set-clock.ts";
import type { LimitSetView } from "../views/limit-set-view.ts";
import type { PartitionCounts } from "../views/shape.ts";
import { hashesOf, namingOf } from "./hosted-names.ts";
import type { HostedPartitions } from "./hosted-partitions.ts";
import type { Answer, SentNames, SentRequest, SetDescription } from "./protocol.ts";
import type { QueueSettings } from "./queue-settings.ts";
import { dimensionsFor, partitionsIn, type RestoredGrant, restore, tableFor } from "./restore.ts";
import type { SetStorage, StoredSet } from "./set-storage.ts";
import { snapshotOf, versionOf } from "./snapshot.ts";

export interface HostedSetOptions {
  /** The limits of the class. */
  readonly limits: readonly Limit[];
  /** Their version, if it was given. */
  readonly version?: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaseMs: number;
  readonly queue: QueueSettings;
}

/** The set, or a view of it, as a client has asked for it. */
export interface Viewed {
  readonly limits: LimitSet<string> | LimitSetView<string>;
  /** Undefined for the set. */
  readonly naming?: Naming;
}

/** So many eras are kept in any case, for requests that are on their way or are sent again. */
const MOST_UNUSED = 8;

export class HostedSet {
  readonly set: LimitSet<string>;
  readonly internals: Internals<string>;
  /** The stored grants, by the ids of their requests. */
  readonly grants: ReadonlyMap<string, RestoredGrant>;
  readonly #options: HostedSetOptions;
  readonly #region: Region;
  readonly #clock: SetClock;
  #partitions: HostedPartitions | undefined;
  readonly #storage: SetStorage;
  readonly #life = crypto.randomUUID();
  readonly #past: Map<number, Era>;
  #present: Era;
  /** The limits of the class when the set took these over. */
  #declared: readonly Limit[];
  /** The version of the state that was written last; undefined if the definition has to be written too. */
  #written: bigint | undefined;

  constructor(options: HostedSetOptions, clock: SetClock, storage: SetStorage, stored: StoredSet) {
    const { config, queue } = options;
    const restored = restore(options, storage, stored, clock.now());
    const { region, era, declared, grants, isAlike } = restored;
    const limits = era.limits as readonly LimitLike[];
    const { partitions: _, fairBy, ...rest } = queue;
    const dimensions = dimensionsFor(era.limits, queue, stored.counts);
    const partitions = Object.fromEntries(
      dimensions.map(({ name, max, refuses }) => [name, { max, whenFull: refuses ? "refuse" : "share" }]),
    );
    const isFair = dimensions.some(({ name }) => name === fairBy);
    const parts = { limits, config, clock, shared: false, partitions, ...(isFair && { fairBy }), ...rest };
    const hosted = { ...parts, [INTERNALS]: region } as OptionsWithRegion<string>;
    this.set = new LimitSet<string>(hosted);
    this.internals = this.set[INTERNALS]();
    // Those of the class, which the set may have again.
    this.internals.goOnIn(era, checkPartitionOptions(options.limits, { partitions: queue.partitions }));
    this.grants = grants;
    this.#options = options;
    this.#region = region;
    this.#clock = clock;
    this.#partitions = restored.partitions;
    this.#storage = storage;
    this.#past = new Map(stored.past);
    this.#present = era;
    this.#declared = declared;
    this.#written = isAlike ? versionOf(region) : undefined;
  }

  /** Whether the storage lacks something of the set. */
  get isUnwritten(): boolean {
    return this.#written === undefined;
  }

  /** The number of the present era. */
  get era(): number {
    return this.#present.number;
  }

  /** Describes an era for clients. */
  describe(era: Era = this.#present): SetDescription {
    const { config, missingUpdate, leaseMs } = this.#options;
    const births = era.tenures.map(({ birth }) => birth);
    const limits = plainOf(era.limits);
    return { id: this.#idOf(era), era: era.number, births, limits, config, missingUpdate, leaseMs };
  }

  /** Adds the description of an era to an answer that goes by it, unless the client has it. */
  describeIn<T extends Answer>(answer: T, descriptionId: string, era: Era = this.#present): T {
    return descriptionId === this.#idOf(era) ? answer : { ...answer, description: this.describe(era) };
  }

  /** As `partitions` of a set. Rows that were not read yet count too. */
  get partitions(): PartitionCounts<string> {
    const rows = this.#partitions?.counts;
    const entries = Object.entries(this.set.partitions).map(([name, { count, max, shared }], i) => [
      name,
      { count: Math.max(count, rows?.[i] ?? 0), max, shared },
    ]);
    return Object.fromEntries(entries);
  }

  /** Whether partitions have changed since the last write. */
  get havePartitionsChanged(): boolean {
    return this.#partitions?.isUnwritten === true;
  }

  /**
   * The set, or the view that a client means. Its partitions can be used from now on.
   *
   * @throws {InvalidRequestError} for names that make no sense.
   */
  view(at: SentNames | undefined): Viewed {
    if (at === undefined) return { limits: this.set };
    const naming = namingOf(at, this.#present, (name) => this.#region.partitions!.hash(name));
    this.open(naming);
    return { limits: this.internals.viewBy(naming) as LimitSetView<string>, naming };
  }

  /** Reads the partitions of a naming, if they have not been read yet. */
  open(naming: Naming | undefined): void {
    if (naming && this.#partitions) this.#partitions.open(hashesOf(naming, this.#present), this.#clock.now());
  }

  /** The era of this number; the present one, if it is not known. */
  eraAt(number: number): Era {
    return number === this.#present.number ? this.#present : (this.#past.get(number) ?? this.#present);
  }

  /** The amounts of a request, as the present limits name them. */
  amountsOf({ requested, era: number }: SentRequest): SentRequest["requested"] {
    const era = number === undefined ? undefined : this.#past.get(number);
    return era ? passAmounts(era, this.#present, requested ?? {}) : requested;
  }

  /**
   * Takes the limits of the class over, if these have changed since it last did, and are of no lower version than the present ones.
   * `eras` are the numbers of those that still have grants or waiters.
   */
  declare(eras: ReadonlySet<number>): void {
    const { limits, version } = this.#options;
    const { limits: present, version: least } = this.#present;
    const isNew = !areAlike(limits, this.#declared) || (version ?? 0) > least;
    if (!isNew || (version ?? 0) < least) return;
    this.#declared = limits;
    const isAlike = areAlike(limits, present) && (version ?? 0) === least;
    if (isAlike) this.#written = undefined;
    else this.redefine(limits as readonly LimitLike[], version === undefined ? {} : { version }, eras);
  }

  /** Gives the set other limits. `eras` are the numbers of those that still have grants or waiters. */
  redefine(limits: readonly LimitLike[], options: RedefineOptions, eras: ReadonlySet<number>): void {
    const now = this.#clock.now();
    tableFor(toLimits(limits), this.#storage);
    // Rows are those of the present definitions.
    this.#partitions?.readAll(now);
    this.set.redefine(limits, options);
    const before = this.#present;
    const { era } = this.set[INTERNALS]();
    if (era.number === before.number) return;
    this.#present = era;
    this.#past.set(before.number, before);
    this.#storage.putEra(before);
    for (const number of [...this.#past.keys()]) {
      if (number >= era.number - MOST_UNUSED || eras.has(number)) continue;
      this.#past.delete(number);
      this.#storage.deleteEra(number);
    }
    // The definition has to be written, and the new state may have the same version as the one before.
    this.#written = undefined;
    this.#passPartitions(now);
  }

  /** Writes all partitions anew: they have gone over to the limits of another era. */
  #passPartitions(now: number): void {
    const { limits } = this.#present;
    const had = this.#partitions !== undefined;
    const dimensions = dimensionsFor(limits, this.#options.queue, []);
    this.#partitions = partitionsIn(this.#region, limits, dimensions, [], this.#storage);
    if (this.#partitions) {
      this.#partitions.writeAll(now);
    } else if (had) {
      this.#storage.table?.clear();
      this.#storage.deleteCommon();
    }
  }

  /** Writes the state if it has changed. All that one event changes has to be written together: the caller lets the storage do so. */
  write(): void {
    const version = versionOf(this.#region);
    const haveChanged = this.havePartitionsChanged;
    const common = this.#partitions?.write(this.#clock.now());
    if (common) this.#storage.putCommon(common);
    if (version === this.#written && !haveChanged) return;
    if (this.#written === undefined) {
      const { limits } = this.#present;
      const isDeclared = areAlike(this.#declared, limits);
      this.#storage.putDefinition(this.#present, isDeclared ? undefined : this.#declared);
    }
    this.#written = version;
    this.#storage.putState(snapshotOf(this.#region, this.#present.limits), this.#partitions?.counts);
  }

  #idOf({ number }: Era): string {
    return number === 0 ? this.#life : `${this.#life} ${number}`;
  }
}

/** The era under which a grant of the set was granted. */
export function eraOf(acquisition: Acquisition): Era {
  return (acquisition as unknown as { readonly [ERA]: Era })[ERA];
}
