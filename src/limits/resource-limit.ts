/** Resource limits: so many at a time. */
import { checkCapacity, checkDefinition, checkEnforce, checkKey, RESOURCE_OPTIONS } from "./checks.ts";

/** The options of a `ResourceLimit`. */
export interface ResourceLimitOptions<K extends string = string> {
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
export class ResourceLimit<const K extends string = string> {
  /** The kind of the limit, which tells plain objects apart too. */
  readonly type = "resource";
  /** The name that requests use. */
  readonly key: K;
  /** How many there are. */
  readonly capacity: number;
  /** Whether the limit refuses. */
  readonly enforce: boolean;

  constructor(options: ResourceLimitOptions<K>) {
    checkDefinition("a ResourceLimit", options, RESOURCE_OPTIONS);
    const { key, capacity } = options;
    this.key = checkKey(key);
    this.capacity = checkCapacity(capacity, 1, key);
    this.enforce = checkEnforce(options.enforce, key);
    Object.freeze(this);
  }
}
