/** A set whose limits are all of partitions, in several parts: threads that take from different parts do not meet. */
import { runOn } from "../acquisition/acquisition.ts";
import type {
  AcquireOptions,
  Acquisition,
  Amounts,
  Awaitable,
  Limits,
  LimitView,
  Prospect,
} from "../contract.ts";
import type { LimitSet } from "../limit-set.ts";
import { checkRedefineOptions, type RedefineOptions, type Redefinition } from "../limits/era.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { GLANCE, type Glance, PRESENT, type Present } from "../limits/living.ts";
import {
  NAMELESS,
  type Naming,
  nameOne,
  type PartitionNames,
  type ViewOptions,
} from "../limits/partition-names.ts";
import { SHOWN, type ShownWith, shownSet } from "../limits/shown.ts";
import type { LimitStats } from "../limits/stats.ts";
import { partOf } from "../spread/choice.ts";
import { joinedCounts, joinedStats, joinedView } from "../spread/joined.ts";
import { spreadingDimension } from "../spread/rule.ts";
import { knownOf, nameIn, type PartitionCounts } from "../views/shape.ts";
import { type OptionsWithParts, partsBy, type SpreadLimitSetOptions } from "./spread-options.ts";
import { PARTS, type SpreadParts } from "./spread-parts.ts";
import { SpreadLimitSetView, type SpreadSet } from "./spread-view.ts";

/**
 * A set for threads whose limits are all `per` one dimension. It is several sets in one: the hash of a name says in which of them its
 * partition lies. So threads that take for different users seldom meet, where those of a `LimitSet` all change one word. There is no limit of
 * all, and `max` of the dimension is divided among the parts: new names may meet a full part while others have room.
 *
 * @throws {InvalidLimitError} if a definition or an option is out of bounds, or a limit is not `per` the dimension of the others.
 * @example
 * const limits = new SpreadLimitSet({
 *   limits: [new CallLimit({ capacity: 2, windowMs: 1000, per: "user" })],
 *   heads: 8,
 * });
 * limits.for({ user: "alice" }).tryAcquire().successful; // true
 * limits.partitions.user.count; // 1
 */
export class SpreadLimitSet<M extends string = string, K extends string = M, D extends string = string>
  implements Limits<M, K>
{
  /** @internal */
  readonly [PARTS]: SpreadParts<M, K>;
  /** A frozen copy of the option `config`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The option `missingUpdate`: whether a release throws where the usage of a RateLimit is missing. */
  readonly missingUpdate: "throw" | "charge";
  /** The dimension by whose names the set is spread. */
  private readonly dimension: string;
  private readonly first: LimitSet<M, K>;

  constructor(options: SpreadLimitSetOptions<M, K, D>) {
    const parts = (options as OptionsWithParts<M, K> | undefined)?.[PARTS] ?? partsBy(options);
    const [first] = parts.sets;
    this[PARTS] = parts;
    this.first = first!;
    this.config = first!.config;
    this.missingUpdate = first!.missingUpdate;
    this.dimension = spreadingDimension(parts.even().limits);
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** Into how many parts the partitions are spread. */
  get heads(): number {
    return this[PARTS].sets.length;
  }

  /** The keys of the limits, in the order of their definition. */
  get keys(): readonly K[] {
    return this[PARTS].look().requests.keys;
  }

  /** How many requests of this thread wait. */
  get waiting(): number {
    return this.sum(({ waiting }) => waiting);
  }

  /** How many transactions this thread has repeated, because another thread published first. */
  get repeats(): number {
    return this.sum(({ repeats }) => repeats);
  }

  /** How many partitions have a state to themselves, how many may, and whether others share one in some part. */
  get partitions(): PartitionCounts<D> {
    return joinedCounts(this.look().map(({ partitions }) => partitions)) as PartitionCounts<D>;
  }

  /**
   * A view, which takes from the partition that it names. Without names it is the set. With `null` for a name it takes nothing.
   *
   * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
   * @example
   * limits.for({ user: "alice" }).tryAcquire().successful; // true
   */
  for(names: PartitionNames<D>, options?: ViewOptions): SpreadLimitSetView<M, K, D> {
    const era = this[PARTS].look();
    const one = options === undefined ? nameOne(names as PartitionNames, knownOf(era)) : undefined;
    const view = one ? this.viewBy(one) : this.viewOf(NAMELESS, names as PartitionNames, options ?? {});
    // The set has all that a view has.
    return view ?? (this as unknown as SpreadLimitSetView<M, K, D>);
  }

  /** @internal A view with more names than a naming; undefined if there are none. */
  viewOf(
    before: Naming,
    names: PartitionNames,
    options: ViewOptions,
  ): SpreadLimitSetView<M, K, D> | undefined {
    const parts = this[PARTS];
    const naming = nameIn(parts.look(), () => parts.era, before, names, options);
    return naming === before ? undefined : this.viewBy(naming);
  }

  /**
   * A request that takes of no partition. Those that take of one are made by a view: here they are errors.
   *
   * @throws {InvalidRequestError} if it takes of a limit.
   * @throws all that `acquire` of a view throws.
   * @example
   * await limits.acquire().catch((error) => error.code); // "ERR_INVALID_REQUEST"
   */
  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<Acquisition<M, K>> {
    return this.first.acquire(requested, options);
  }

  /** Like `acquire`: only views take. */
  tryAcquire(requested?: Amounts<M>): Acquisition<M, K> {
    return this.first.tryAcquire(requested);
  }

  /** Like `acquire`: only views have partitions to look at. */
  peek(requested?: Amounts<M>): Prospect<K> {
    return this.first.peek(requested);
  }

  /** Like `acquire`: only views take. */
  acquireSync(requested?: Amounts<M>, options?: Pick<AcquireOptions, "timeoutMs">): Acquisition<M, K> {
    return this.first.acquireSync(requested, options);
  }

  /** Like `acquire`: only views take. */
  run<T>(
    requested: Amounts<M> | undefined,
    body: (acquisition: Acquisition<M, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runOn(this, requested, body, options);
  }

  /**
   * Each limit as for a name that was never used, with totals over all names. Each part is read at one moment, and one after the other.
   *
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.stats().tokens.available; // 100
   */
  stats(): Readonly<Record<K, LimitStats>> {
    return joinedStats(this.look().map((set) => set.stats()));
  }

  /** @internal The stats of a view, with the totals of all parts. */
  joined(own: Readonly<Record<K, LimitStats>>): Readonly<Record<K, LimitStats>> {
    return joinedView(
      own,
      this[PARTS].sets.map((set) => set.stats()),
    );
  }

  /**
   * The definition of one limit, and its `stats()`.
   *
   * @throws {InvalidRequestError} for an unknown key.
   * @example
   * limits.get("tokens").capacity; // 100
   */
  get(key: K): LimitView<LimitStats> {
    this.look();
    return Object.freeze({ ...this.first.get(key), stats: () => this.stats()[key] });
  }

  /**
   * Gives the set other limits, as `redefine` of a `LimitSet` does. They go on to be `per` the same dimension. Each part has them in one
   * step, and one part after the other. If the thread ends on the way, the next that uses the set brings the rest of the parts there.
   *
   * @throws {InvalidLimitError} if a definition is out of bounds, two limits have the same key, or one is not `per` the dimension.
   * @throws {InvalidRequestError} if an option makes no sense.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: 2 * limit.capacity })));
   * limits.get("tokens").capacity; // 200
   */
  redefine(limits: Redefinition, options: RedefineOptions = {}): void {
    checkRedefineOptions(options);
    const { inherit = "used", version } = options;
    const parts = this[PARTS];
    for (let isDone = false; !isDone; ) {
      const era = parts.even();
      const made = typeof limits === "function" ? limits(era.limits as unknown as readonly Limit[]) : limits;
      const checked = toLimits(made as readonly LimitLike<K, M>[]);
      spreadingDimension(checked, this.dimension);
      if (version !== undefined && version < era.version) return;
      isDone = parts.begin(era, checked, inherit, version);
    }
  }

  /**
   * Pauses the limits of these keys, or all limits, for all names.
   *
   * @throws {InvalidRequestError} for an unknown key, or milliseconds below 0.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.pause(1000);
   * limits.peek({ tokens: 1 }).retryAfterMs; // 1000
   */
  pause(ms: number, keys?: readonly K[]): void {
    for (const set of this.look()) set.pause(ms, keys);
  }

  /**
   * Ends the pause of the limits of these keys, or of all limits, that was for all names.
   *
   * @throws all that `pause` throws.
   * @example
   * limits.resume();
   * limits.peek({ tokens: 1 }).retryAfterMs; // 0
   */
  resume(keys?: readonly K[]): void {
    for (const set of this.look()) set.resume(keys);
  }

  /**
   * Amounts that were used elsewhere are charged to a partition: by `charge` of a view.
   *
   * @throws {InvalidRequestError} if it charges a limit.
   */
  charge(amounts: Amounts<M>): void {
    this.first.charge(amounts);
  }

  /**
   * What is left of a partition is lowered by `lower` of a view.
   *
   * @throws {InvalidRequestError} if it lowers a limit.
   */
  lower(available: Amounts<K>): void {
    this.first.lower(available);
  }

  /**
   * Makes the limits of these keys, or all limits, as if they had never been used by any name.
   *
   * @throws all that `pause` throws.
   * @example
   * limits.reset();
   * limits.stats().tokens.used; // 0
   */
  reset(keys?: readonly K[]): void {
    for (const set of this.look()) set.reset(keys);
  }

  /** Closes the set in this thread: waiters reject with `LimitSetClosedError`, and held resources come back. */
  close(): void {
    this[PARTS].close();
  }

  /** @internal */
  [PRESENT](): Present {
    this.look();
    return this.first[PRESENT]();
  }

  /** @internal */
  [GLANCE](isBrief = false): Glance {
    return this.first[GLANCE](isBrief);
  }

  /** @internal */
  [SHOWN](...args: ShownWith): unknown {
    return shownSet(this, args);
  }

  private viewBy(naming: Naming): SpreadLimitSetView<M, K, D> {
    const { sets, key } = this[PARTS];
    const name = naming.names.get(this.dimension);
    // Without a name there is nothing to choose by, and nothing is taken.
    const part = typeof name === "string" ? sets[partOf(name, key, sets.length)]! : this.first;
    return new SpreadLimitSetView(this as SpreadSet<M, K, D>, part, naming);
  }

  /** The parts, in one era. */
  private look(): readonly LimitSet<M, K>[] {
    const parts = this[PARTS];
    parts.look();
    return parts.sets;
  }

  private sum(count: (set: LimitSet<M, K>) => number): number {
    return this[PARTS].sets.reduce((all, set) => all + count(set), 0);
  }
}
