/** Resource limits: so many at a time. */

import { checkCapacity, checkDefinition, checkEnforce, checkKey, RESOURCE_OPTIONS } from "./checks.ts";
import {
  checkPartitions,
  inTier,
  type PartitionFields,
  TIER_OF_RESOURCE,
  type Tier,
  type Tiers,
} from "./partitioning.ts";

/** The options of a `ResourceLimit`. */
export interface ResourceLimitOptions<K extends string = string, D extends string = string>
  extends PartitionFields<D> {
  /** The name that requests use: not empty, and unlike all other keys of the set. */
  readonly key: K;
  /** How many there are: a positive whole number, at most 2^53 - 1, or `Infinity` for no limit. */
  readonly capacity: number;
  /**
   * Whether the limit refuses. A limit that does not is a shadow: where it would refuse it lets pass, takes nothing, and counts that
   * in its statistics. Default: true.
   */
  readonly enforce?: boolean;
}

/**
 * A resource limit: so many at a time, such as connections or slots. Every request takes 1, unless it names another number, and
 * the acquisition holds it until its release.
 *
 * @throws {InvalidLimitError} if a field is out of bounds. The error has the field, its value, and what it may be.
 * @example
 * new ResourceLimit({ key: "connections", capacity: 10 }).capacity; // 10
 */
export class ResourceLimit<const K extends string = string, const D extends string = never> {
  /** The kind of the limit, which tells plain objects apart too. */
  readonly type = "resource";
  /** The name that requests use. */
  readonly key: K;
  /** How many there are. */
  readonly capacity: number;
  /** Whether the limit refuses. */
  readonly enforce: boolean;
  /** The dimension of which each name has a state of the limit to itself, if it has one. */
  readonly per?: D;
  /** What differs by tier, if it has tiers. */
  readonly tiers?: Tiers;

  constructor(options: ResourceLimitOptions<K, D> | ResourceLimit<K, D>) {
    checkDefinition("a ResourceLimit", options, RESOURCE_OPTIONS);
    const { key, capacity } = options;
    this.key = checkKey(key);
    this.capacity = checkCapacity(capacity, 1, key);
    this.enforce = checkEnforce(options.enforce, key);
    const inOneTier = (tier: Tier) => new ResourceLimit(inTier(options, tier));
    Object.assign(this, checkPartitions(options, this, TIER_OF_RESOURCE, inOneTier));
    Object.freeze(this);
  }
}
