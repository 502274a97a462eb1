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
import type { LimitSetOptions } from "../limits/options.ts";
import { refusePartitions } from "../limits/partition-options.ts";
import { areAlike } from "../limits/sameness.ts";
import type { SetClock } from "../platform/set-clock.ts";
import type { Answer, SentRequest, SetDescription } from "./protocol.ts";
import { type RestoredGrant, restore } from "./restore.ts";
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
  readonly queue: Pick<LimitSetOptions, "maxWaiting" | "agingMs">;
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
    const { region, era, declared, grants, isAlike } = restore(options, stored, clock.now());
    const limits = era.limits as readonly LimitLike[];
    const parts = { limits, config, clock, shared: false, ...queue };
    const hosted: OptionsWithRegion<string> = { ...parts, [INTERNALS]: region };
    this.set = new LimitSet<string>(hosted);
    this.internals = this.set[INTERNALS]();
    this.internals.goOnIn(era);
    this.grants = grants;
    this.#options = options;
    this.#region = region;
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
    refusePartitions(toLimits(limits), "a Durable Object");
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
  }

  /** Writes the state if it has changed. All that one event changes has to be written together: the caller lets the storage do so. */
  write(): void {
    const version = versionOf(this.#region);
    if (version === this.#written) return;
    if (this.#written === undefined) {
      const { limits } = this.#present;
      const isDeclared = areAlike(this.#declared, limits);
      this.#storage.putDefinition(this.#present, isDeclared ? undefined : this.#declared);
    }
    this.#written = version;
    this.#storage.putState(snapshotOf(this.#region));
  }

  #idOf({ number }: Era): string {
    return number === 0 ? this.#life : `${this.#life} ${number}`;
  }
}

/** The era under which a grant of the set was granted. */
export function eraOf(acquisition: Acquisition): Era {
  return (acquisition as unknown as { readonly [ERA]: Era })[ERA];
}
