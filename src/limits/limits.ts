/** Limits, of which sets are made: frozen data that was checked when it was made, without behaviour. */
import { InvalidLimitError } from "../errors.ts";
import { checkOptions } from "./known-options.ts";
import { MICROSECOND, toUnits, wholeUnits } from "./units.ts";

/**
 * The algorithms that enforce a rate.
 *
 * @example
 * RateLimitAlgorithm.SlidingWindow; // "sliding-window"
 */
export const RateLimitAlgorithm = {
  /**
   * Token bucket, the default. It starts full and is refilled continuously: bursts up to the capacity pass, then the steady
   * rate. Unused amounts go back. Source: J. Turner, "New directions in communications", IEEE Communications 1986 (the leaky
   * bucket as a meter); RFC 2697 has such token buckets.
   */
  TokenBucket: "token-bucket",
  /**
   * Leaky bucket. Grants are evenly spaced, without bursts: the next request passes when all amounts that were granted before
   * it have leaked out. Nothing goes back. Source: the leaky bucket as a queue, after Turner 1986.
   */
  LeakyBucket: "leaky-bucket",
  /**
   * Sliding window log. At most the capacity is granted in any window, wherever it begins. Exact up to 128 grants in a window;
   * beyond that it never admits early, and admits late by at most 1/64 of a window. Nothing goes back. Source: a log of the
   * grants with their times.
   */
  SlidingWindow: "sliding-window",
  /**
   * Fixed window. At most the capacity is granted in each window. Windows begin at whole multiples of their length since the
   * Unix epoch: those of an hour begin at each full hour UTC. Nothing goes back. Source: a counter for each window.
   */
  FixedWindow: "fixed-window",
  /**
   * Generic cell rate algorithm: the steady rate, with at most `burst` granted at one instant. Unused amounts go back. Source:
   * ATM Forum, Traffic Management 4.0, section 4.4.2 (virtual scheduling); ITU-T I.371.
   */
  GCRA: "gcra",
} as const;
/** How a rate is enforced: one of the values of the object `RateLimitAlgorithm`. */
export type RateLimitAlgorithm = (typeof RateLimitAlgorithm)[keyof typeof RateLimitAlgorithm];

/** What `update` does about usage above the request: an error, or a debt that is charged at release. */
export type Overage = "error" | "debt";

/** The options of a `RateLimit`. */
export interface RateLimitOptions<K extends string = string> {
  /** The name that requests use: not empty, and unlike all other keys of the set. */
  readonly key: K;
  /** The amount that is allowed in a window: a positive multiple of `unit`, at most 2^53 - 1 of them. */
  readonly capacity: number;
  /** The window, in milliseconds: a whole number of microseconds, from 0.001 ms to 71 years. */
  readonly windowMs: number;
  /** How the rate is enforced. Default: `"token-bucket"`. */
  readonly algorithm?: RateLimitAlgorithm;
  /** The step of amounts: all are whole multiples of it. A positive number. Default: 1. */
  readonly unit?: number;
  /**
   * For GCRA only: the most that is granted at one instant, a positive multiple of `unit` up to the capacity. Default: the
   * capacity.
   */
  readonly burst?: number;
  /** What `update` does about usage above the request. Default: `"error"`. */
  readonly overage?: Overage;
}

/**
 * A rate limit: an amount in a window, such as tokens a minute or bytes an hour. Requests name an amount, and report how much of
 * it they used.
 *
 * @throws {InvalidLimitError} if a field is out of bounds. The error has the field, its value, and what it may be.
 * @example
 * new RateLimit({ key: "tokens", capacity: 90_000, windowMs: 60_000 }).algorithm; // "token-bucket"
 */
export class RateLimit<const K extends string = string> {
  /** The kind of the limit, which tells plain objects apart too. */
  readonly type = "rate";
  /** The name that requests use. */
  readonly key: K;
  /** The amount that is allowed in a window: a multiple of `unit`. */
  readonly capacity: number;
  /** The window, in milliseconds. */
  readonly windowMs: number;
  /** How the rate is enforced. */
  readonly algorithm: RateLimitAlgorithm;
  /** The step of amounts: all are whole multiples of it. */
  readonly unit: number;
  /** For GCRA only: the most that is granted at one instant. */
  readonly burst?: number;
  /** What `update` does about usage above the request. */
  readonly overage: Overage;

  constructor(options: RateLimitOptions<K>) {
    checkDefinition("a RateLimit", options, RATE_OPTIONS);
    const { key, capacity, windowMs, algorithm, unit = 1, burst, overage = "error" } = options;
    this.key = checkKey(key);
    if (!(Number.isFinite(unit) && unit > 0)) {
      throw new InvalidLimitError("unit", unit, "a positive number", key);
    }
    if (overage !== "error" && overage !== "debt") {
      throw new InvalidLimitError("overage", overage, `"error" or "debt"`, key);
    }
    this.unit = unit;
    this.overage = overage;
    this.capacity = checkCapacity(capacity, unit, key);
    this.windowMs = checkWindow(windowMs, key);
    this.algorithm = checkAlgorithm(algorithm, key);
    const bound = checkBurst(burst, this);
    if (bound !== undefined) this.burst = bound;
    Object.freeze(this);
  }
}

/** The options of a `CallLimit`. They are those of a `RateLimit`, in whole calls, without `key`, `unit` and `overage`. */
export type CallLimitOptions = Pick<RateLimitOptions, "capacity" | "windowMs" | "algorithm" | "burst">;

/**
 * A call limit: so many calls in a window. Every request takes 1, unless it names another number of `call_count`. There is no
 * usage to report.
 *
 * @throws {InvalidLimitError} if a field is out of bounds. The error has the field, its value, and what it may be.
 * @example
 * new CallLimit({ capacity: 10, windowMs: 1000 }).key; // "call_count"
 */
export class CallLimit {
  /** The kind of the limit, which tells plain objects apart too. */
  readonly type = "call";
  /** The name that requests use. It is the same for all CallLimits. */
  readonly key = "call_count";
  /** How many calls are allowed in a window. */
  readonly capacity: number;
  /** The window, in milliseconds. */
  readonly windowMs: number;
  /** How the rate is enforced. */
  readonly algorithm: RateLimitAlgorithm;
  /** For GCRA only: the most calls that are granted at one instant. */
  readonly burst?: number;

  constructor(options: CallLimitOptions) {
    checkDefinition("a CallLimit", options, CALL_OPTIONS);
    const { capacity, windowMs, algorithm, burst } = options;
    this.capacity = checkCapacity(capacity, 1, this.key);
    this.windowMs = checkWindow(windowMs, this.key);
    this.algorithm = checkAlgorithm(algorithm, this.key);
    const bound = checkBurst(burst, { ...this, unit: 1 });
    if (bound !== undefined) this.burst = bound;
    Object.freeze(this);
  }
}

/** The options of a `ResourceLimit`. */
export interface ResourceLimitOptions<K extends string = string> {
  /** The name that requests use: not empty, and unlike all other keys of the set. */
  readonly key: K;
  /** How many there are: a positive whole number, at most 2^53 - 1. */
  readonly capacity: number;
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

  constructor(options: ResourceLimitOptions<K>) {
    checkDefinition("a ResourceLimit", options, RESOURCE_OPTIONS);
    const { key, capacity } = options;
    this.key = checkKey(key);
    this.capacity = checkCapacity(capacity, 1, key);
    Object.freeze(this);
  }
}

/** A limit of any kind. */
export type Limit<K extends string = string> = RateLimit<K> | CallLimit | ResourceLimit<K>;

/** A limit, or a plain object of the same shape: one from JSON, for example. */
export type LimitLike<K extends string = string> =
  | ({
      /** Makes it a `RateLimit`. */
      readonly type: "rate";
    } & RateLimitOptions<K>)
  | ({
      /** Makes it a `CallLimit`. */
      readonly type: "call";
      /** May be there, since a `CallLimit` has it. */
      readonly key?: K & "call_count";
    } & CallLimitOptions)
  | ({
      /** Makes it a `ResourceLimit`. */
      readonly type: "resource";
    } & ResourceLimitOptions<K>);

/**
 * Makes limits of the plain objects among `limits`.
 *
 * @throws {InvalidLimitError} if a definition is out of bounds, or two limits have the same key.
 */
export function toLimits<K extends string>(limits: readonly LimitLike<K>[]): readonly Limit<K>[] {
  if (!Array.isArray(limits)) throw new InvalidLimitError("limits", limits, "an array of limits");
  const seen = new Set<string>();
  // From, not map: an empty place in the array is an error, too.
  return Array.from(limits, (like: LimitLike<K>) => {
    const limit = toLimit(like);
    if (seen.has(limit.key)) {
      throw new InvalidLimitError("key", limit.key, "different from the key of every other limit of the set");
    }
    seen.add(limit.key);
    return limit;
  });
}

function toLimit<K extends string>(like: LimitLike<K>): Limit<K> {
  if (like instanceof RateLimit || like instanceof CallLimit || like instanceof ResourceLimit) return like;
  switch (checkObject(like).type) {
    case "rate":
      return new RateLimit<K>(like as RateLimitOptions<K>);
    case "call":
      return new CallLimit(like as CallLimitOptions);
    case "resource":
      return new ResourceLimit<K>(like as ResourceLimitOptions<K>);
    default:
      throw new InvalidLimitError("type", (like as { type?: unknown }).type, `"rate", "call" or "resource"`);
  }
}

// 71 years: a window of so many whole microseconds can be added to any time without overflow.
const LONGEST_WINDOW_MS = 2 ** 51 / 1000;

// Data of a limit have its `type`, and what `get` returns has a method too.
const EVERY_LIMIT = ["type", "key", "capacity", "stats"];
const CALL_OPTIONS = /* @__PURE__ */ EVERY_LIMIT.concat("windowMs", "algorithm", "burst");
const RATE_OPTIONS = /* @__PURE__ */ CALL_OPTIONS.concat("unit", "overage");
const RESOURCE_OPTIONS = EVERY_LIMIT;

function checkDefinition(what: string, options: object, known: readonly string[]): void {
  checkOptions(what, checkObject(options), known);
}

function checkObject<T>(options: T): T {
  if (typeof options !== "object" || options === null) {
    throw new InvalidLimitError("limit", options, "an object");
  }
  return options;
}

function checkKey<K extends string>(key: K): K {
  if (typeof key !== "string" || key === "") throw new InvalidLimitError("key", key, "a string, not empty");
  return key;
}

function checkCapacity(capacity: number, unit: number, key: string): number {
  if (!(typeof capacity === "number" && toUnits(capacity, unit) > 0)) {
    const most = `at most ${Number.MAX_SAFE_INTEGER} of them`;
    const bounds =
      unit === 1 ? `a positive whole number, ${most}` : `a positive multiple of unit ${unit}, ${most}`;
    throw new InvalidLimitError("capacity", capacity, bounds, key);
  }
  return capacity;
}

function checkWindow(windowMs: number, key: string): number {
  if (
    !(typeof windowMs === "number" && windowMs <= LONGEST_WINDOW_MS && wholeUnits(windowMs, MICROSECOND) > 0)
  ) {
    const bounds = `from 0.001 to ${LONGEST_WINDOW_MS} milliseconds, in whole microseconds`;
    throw new InvalidLimitError("windowMs", windowMs, bounds, key);
  }
  return windowMs;
}

function checkAlgorithm(algorithm: RateLimitAlgorithm | undefined, key: string): RateLimitAlgorithm {
  if (algorithm === undefined) return RateLimitAlgorithm.TokenBucket;
  const known: readonly string[] = Object.values(RateLimitAlgorithm);
  if (!known.includes(algorithm)) {
    throw new InvalidLimitError("algorithm", algorithm, `one of ${known.join(", ")}`, key);
  }
  return algorithm;
}

function checkBurst(
  burst: number | undefined,
  limit: { key: string; capacity: number; unit: number; algorithm: RateLimitAlgorithm },
): number | undefined {
  const { key, capacity, unit, algorithm } = limit;
  if (algorithm !== RateLimitAlgorithm.GCRA) {
    if (burst === undefined) return undefined;
    throw new InvalidLimitError(
      "burst",
      burst,
      `left out, since only GCRA has a burst and ${algorithm} has none`,
      key,
    );
  }
  if (burst === undefined) return capacity;
  if (
    !(
      typeof burst === "number" &&
      toUnits(burst, unit) > 0 &&
      toUnits(burst, unit) <= toUnits(capacity, unit)
    )
  ) {
    const bounds = `a multiple of unit ${unit}, up to the capacity ${capacity} (for larger bursts lengthen capacity and window alike)`;
    throw new InvalidLimitError("burst", burst, bounds, key);
  }
  return burst;
}
