/** Views of a set on a server: each takes from the limits of all, and from those of the partitions that it names, in one call. */
import type { Limits } from "../contract.ts";
import {
  type Naming,
  nameMore,
  type PartitionNames,
  VIEWED,
  type Viewed,
  type ViewOptions,
} from "../limits/partition-names.ts";
import { noClose, noRedefine } from "../views/of-sets-alone.ts";
import { keysNamed, knownOf } from "../views/shape.ts";
import { Places } from "./place.ts";
import { type TakingParts, TakingSet } from "./taking-set.ts";

/**
 * A view of a `RedisLimitSet`, made by its `for`: a request takes from the limits of all, and from those of the partitions that the view
 * names, all or nothing. It costs little to make, and may be kept.
 *
 * @example
 * const limits = new RedisLimitSet({
 *   name: "per user",
 *   limits: [new CallLimit({ capacity: 2, windowMs: 1000, per: "user" })],
 *   client: new Redis(),
 * });
 * const alice = limits.for({ user: "alice" });
 * (await alice.tryAcquire({ call_count: 2 })).successful; // true
 * (await alice.tryAcquire()).successful; // false
 */
export class RedisLimitSetView<K extends string = string> extends TakingSet<K> implements Limits<K> {
  /** @internal */
  protected readonly parts: TakingParts<K>;
  /** @internal */
  protected override readonly places: Places;

  readonly #set: TakingSet<K>;

  /** @internal */
  constructor(set: TakingSet<K>, parts: TakingParts<K>, naming: Naming) {
    super();
    this.#set = set;
    this.parts = parts;
    this.places = new Places(naming);
  }

  /** @internal */
  [VIEWED](): Viewed<TakingSet<K>> {
    return { set: this.#set, naming: this.naming };
  }

  /** @internal */
  get naming(): Naming {
    return this.places.naming;
  }

  /**
   * A view that names more: names of other dimensions, or others of the same.
   *
   * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
   * @example
   * (await limits.for({ user: "alice" }).for({ address: "192.0.2.7" }).tryAcquire()).successful; // true
   */
  for(names: PartitionNames, options: ViewOptions = {}): RedisLimitSetView<K> {
    return viewOf(this, this.#set, this.parts, this.naming, names, options);
  }

  /** Like `pause` of the set. Without keys it pauses the limits of the partitions that the view names, and none of all. */
  override pause(ms: number, keys?: readonly K[]): Promise<void> {
    return super.pause(ms, this.#keysOf(keys) as never);
  }

  /** Like `resume` of the set. Without keys it is about the limits of the partitions that the view names. */
  override resume(keys?: readonly K[]): Promise<void> {
    return super.resume(this.#keysOf(keys) as never);
  }

  /** Like `reset` of the set. Without keys it is about the limits of the partitions that the view names. */
  override reset(keys?: readonly K[]): Promise<void> {
    return super.reset(this.#keysOf(keys) as never);
  }

  /**
   * The limits belong to the set, which has a `redefine`.
   *
   * @throws {InvalidRequestError}
   */
  async redefine(): Promise<void> {
    throw noRedefine();
  }

  /**
   * The set is closed by itself.
   *
   * @throws {InvalidRequestError}
   */
  async close(): Promise<void> {
    throw noClose();
  }

  #keysOf(keys: readonly K[] | undefined): readonly K[] {
    return keys ?? keysNamed(this.parts.settings.era, this.naming);
  }
}

/** A view of the set `of` with more names than `set` has, or `set` itself if there are none. */
export function viewOf<S, K extends string>(
  set: S,
  of: TakingSet<K>,
  parts: TakingParts<K>,
  before: Naming,
  names: PartitionNames,
  options: ViewOptions,
): S | RedisLimitSetView<K> {
  const naming = nameMore(before, names, options, knownOf(parts.settings.era));
  return naming === before ? set : new RedisLimitSetView(of, parts, naming);
}
