/** A set on a cluster whose limits are all of partitions, in several slots. */
import { runOn } from "../acquisition/acquisition.ts";
import type { AcquireOptions, Amounts, Awaitable, Limits, LimitView, Prospect } from "../contract.ts";
import { InvalidLimitError, LimitSetClosedError } from "../errors.ts";
import type { Era, RedefineOptions, Redefinition } from "../limits/era.ts";
import { checkOptions } from "../limits/known-options.ts";
import { toLimits } from "../limits/limits.ts";
import {
  NAMELESS,
  type Naming,
  nameMore,
  type PartitionNames,
  type ViewOptions,
} from "../limits/partition-names.ts";
import type { LimitStats } from "../limits/stats.ts";
import { warnOnce } from "../platform/warning.ts";
import { HandingOn, performChange, type SentChange } from "../remote/changes.ts";
import { keyFrom, partOf } from "../spread/choice.ts";
import { joinedStats } from "../spread/joined.ts";
import { checkParts, spreadingDimension } from "../spread/rule.ts";
import { warningOf } from "../spread/warnings.ts";
import { knownOf } from "../views/shape.ts";
import type { RedisAcquisition } from "./era-granter.ts";
import { KNOWN, type RedisLimitSetOptions } from "./options.ts";
import { PART } from "./part.ts";
import { RedisLimitSet } from "./redis-limit-set.ts";
import { namesOfParts } from "./slot-names.ts";
import { SpreadParts } from "./spread-parts.ts";
import { SpreadRedisLimitSetView } from "./spread-redis-limit-set-view.ts";

/** The options of a `SpreadRedisLimitSet`: those of a `RedisLimitSet`, and `slots`. */
export interface SpreadRedisLimitSetOptions<K extends string = string> extends RedisLimitSetOptions<K> {
  /** One limit or more, all of them `per` the same dimension. */
  readonly limits: NonNullable<RedisLimitSetOptions<K>["limits"]>;
  /**
   * Over how many slots the partitions are spread, by the hash of their names: a whole number from 1 to 1024, and the same in all
   * processes. Each slot has a key, a session of each process that uses it, and a queue of `maxWaiting`. Default: 16.
   */
  readonly slots?: number;
}

const DEFAULT_SLOTS = 16;

/**
 * A set for many machines whose limits are all `per` one dimension, spread over the slots of a cluster: the hash of a name says in which of
 * them its partition lies. There is no limit of all. What concerns all partitions is asked of each slot.
 *
 * @throws {InvalidLimitError} if a definition or an option makes no sense, or a limit is not `per` the dimension of the others.
 * @throws {InvalidRequestError} if `client` is no client of a known library.
 * @example
 * const limits = new SpreadRedisLimitSet({
 *   name: "users",
 *   limits: [new CallLimit({ capacity: 2, windowMs: 1000, per: "user" })],
 *   client: new Redis.Cluster([{ host: "redis-1" }]),
 *   slots: 16,
 * });
 * (await limits.for({ user: "alice" }).tryAcquire()).successful; // true
 */
export class SpreadRedisLimitSet<K extends string = string>
  extends HandingOn<K, K, Promise<void>>
  implements Limits<K>
{
  /** The name of the set on the server. */
  readonly name: string;
  readonly #parts: SpreadParts<K>;
  readonly #dimension: string;
  #isClosed = false;

  constructor(options: SpreadRedisLimitSetOptions<K>) {
    super();
    checkOptions("a SpreadRedisLimitSet", options, [...KNOWN, "slots"]);
    const { slots = DEFAULT_SLOTS, ...rest } = options;
    this.#dimension = spreadingDimension(toLimits(options.limits ?? []));
    const { name, onWarning = warnOnce() } = options;
    if (typeof name === "string" && name.includes("}")) {
      throw new InvalidLimitError("name", name, 'a string without "}", since all slots would be one');
    }
    const count = checkParts("slots", slots);
    // With a wrong name, the first part tells what is wrong.
    const names = typeof name === "string" && name !== "" ? namesOfParts(name, count) : [name];
    this.#parts = new SpreadParts(
      names,
      keyFrom(`${name}`),
      rest.whenAway !== "local" && rest.whenAway !== "allow",
      (own, i, events) => {
        const part = { slots: count, follows: i > 0, ...events };
        return new RedisLimitSet<K>({
          ...rest,
          name: own,
          onWarning: i === 0 && options.onWarning === undefined ? onWarning : warningOf(i, onWarning),
          [PART]: part,
        } as RedisLimitSetOptions<K>);
      },
    );
    this.name = name;
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** Over how many slots the partitions are spread. */
  get slots(): number {
    return this.#parts.sets.length;
  }

  /** The keys of the limits, in the order of their definition. */
  get keys(): readonly K[] {
    return this.#parts.first.keys;
  }

  /** What the set was made with, frozen. */
  get config(): Readonly<Record<string, unknown>> {
    return this.#parts.first.config;
  }

  /** What a release does about a RateLimit whose usage was not reported. */
  get missingUpdate(): "throw" | "charge" {
    return this.#parts.first.missingUpdate;
  }

  /** How many requests of this process wait for their turn, or for their answer. */
  get waiting(): number {
    return this.#parts.sets.reduce((all, { waiting }) => all + waiting, 0);
  }

  /**
   * A view, which takes from the partition that it names. Without names it is the set. With `null` for a name it takes nothing.
   *
   * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
   * @example
   * (await limits.for({ user: "alice" }).tryAcquire()).successful; // true
   */
  for(names: PartitionNames, options: ViewOptions = {}): SpreadRedisLimitSetView<K> {
    // The set has all that a view has.
    return this.viewOf(NAMELESS, names, options) ?? (this as unknown as SpreadRedisLimitSetView<K>);
  }

  /** @internal A view with more names than a naming; undefined if there are none. */
  viewOf(
    before: Naming,
    names: PartitionNames,
    options: ViewOptions,
  ): SpreadRedisLimitSetView<K> | undefined {
    const parts = this.#parts;
    const naming = nameMore(before, names, options, knownOf(parts.era as unknown as Era));
    if (naming === before) return undefined;
    const name = naming.names.get(this.#dimension);
    // Without a name there is nothing to choose by, and nothing is taken.
    const part =
      typeof name === "string" ? parts.sets[partOf(name, parts.key, parts.sets.length)]! : parts.first;
    return new SpreadRedisLimitSetView(this, parts, part, naming);
  }

  /**
   * A request that takes of no partition. Those that take of one are made by a view: here they are errors.
   *
   * @throws {InvalidRequestError} if it takes of a limit.
   * @throws all that `acquire` of a view throws.
   * @example
   * await limits.acquire().catch((error) => error.code); // "ERR_INVALID_REQUEST"
   */
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<RedisAcquisition<K, K>> {
    return this.#parts.first.acquire(requested, options);
  }

  /** Like `acquire`: only views take. */
  tryAcquire(requested?: Amounts<K>): Promise<RedisAcquisition<K, K>> {
    return this.#parts.first.tryAcquire(requested);
  }

  /** Like `acquire`: only views have partitions to look at. */
  peek(requested?: Amounts<K>): Promise<Prospect<K>> {
    return this.#parts.first.peek(requested);
  }

  /** Like `acquire`: only views take. */
  run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: RedisAcquisition<K, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runOn(this, requested, body, options);
  }

  /**
   * Each limit as for a name that was never used, with the totals of this process over all names. It is asked of each slot.
   *
   * @throws {BackendUnavailableError} if a server does not answer within `deadlineMs`.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * (await limits.stats()).tokens.available; // 90_000
   */
  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    return joinedStats(await this.#each((set) => set.stats()));
  }

  /**
   * The definition of one limit, and its `stats()`.
   *
   * @throws {InvalidRequestError} for an unknown key.
   * @example
   * limits.get("tokens").capacity; // 90_000
   */
  get(key: K): LimitView<Promise<LimitStats>> {
    const { stats: _, ...limit } = this.#parts.first.get(key);
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] }) as LimitView<
      Promise<LimitStats>
    >;
  }

  /**
   * Gives the set other limits, for all processes that share it, as `redefine` of a `RedisLimitSet` does. They go on to be `per` the same
   * dimension. Each slot has them in one step, and one after the other. If the process ends on the way, the next that meets them brings
   * the rest of the slots there.
   *
   * @throws {InvalidLimitError} if a definition is out of bounds, two limits have the same key, or one is not `per` the dimension.
   * @throws {InvalidRequestError} if an option makes no sense.
   * @throws {BackendUnavailableError} if a server does not answer within `deadlineMs`.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * await limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: 2 * limit.capacity })));
   * limits.get("tokens").capacity; // 180_000
   */
  async redefine(limits: Redefinition, options: RedefineOptions = {}): Promise<void> {
    if (this.#isClosed) throw new LimitSetClosedError();
    const checked = (made: Parameters<typeof toLimits>[0]) => {
      const list = toLimits(made);
      spreadingDimension(list, this.#dimension);
      return list;
    };
    const next: Redefinition =
      typeof limits === "function" ? (current) => checked(limits(current)) : checked(limits);
    const parts = this.#parts;
    await parts.even();
    await parts.first.redefine(next, options);
    await parts.even();
  }

  /** Ends the set in this process: waiters reject with `LimitSetClosedError`, and the resources that it holds come back. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#parts.close();
  }

  /** @internal What is about all names is done in each slot; the rest is an error of the first. */
  protected async handOn(change: SentChange): Promise<void> {
    await this.#each((set) => performChange(set as unknown as Limits, change));
  }

  async #each<T>(ask: (set: RedisLimitSet<K>) => Awaitable<T>): Promise<T[]> {
    const parts = this.#parts;
    if (!parts.isChecked) await parts.check();
    return Promise.all(parts.sets.map(async (set) => ask(set)));
  }
}
