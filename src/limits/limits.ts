/** What a set is made of: validated data, frozen, without behaviour. */
import { InvalidLimitError } from "../errors.ts";
import { MICROSECOND, toUnits, wholeUnits } from "./units.ts";

/** The algorithms that enforce a rate. */
export const RateLimitAlgorithm = {
  /** Starts full, refills continuously: bursts up to the capacity, then the steady rate. Refunds what was not used. */
  TokenBucket: "token-bucket",
  /** Evenly spaced, no bursts: the next request passes when everything before it has leaked out. */
  LeakyBucket: "leaky-bucket",
  /** At most the capacity in any window, wherever it begins. */
  SlidingWindow: "sliding-window",
  /** At most the capacity in each window; windows begin at whole multiples of their length since the epoch. */
  FixedWindow: "fixed-window",
  /** The steady rate with bursts of at most `burst`. Refunds what was not used. */
  GCRA: "gcra",
} as const;
/** How a rate is enforced: one of the values of `RateLimitAlgorithm`. */
export type RateLimitAlgorithm = (typeof RateLimitAlgorithm)[keyof typeof RateLimitAlgorithm];

/** What happens to usage above the request: an error, or a debt that is charged at release. */
export type Overage = "error" | "debt";

/** What a `RateLimit` is made with. */
export interface RateLimitOptions<K extends string = string> {
  /** The name requests use. Not empty. */
  readonly key: K;
  /** How much is allowed in a window: a positive multiple of `unit`. */
  readonly capacity: number;
  /** The window in milliseconds: at least 0.001, a whole number of microseconds. */
  readonly windowMs: number;
  /** Default: token bucket. */
  readonly algorithm?: RateLimitAlgorithm;
  /** What amounts are whole multiples of. Default 1. */
  readonly unit?: number;
  /** GCRA only: the most granted at one instant, from one unit to the capacity. Default: the capacity. */
  readonly burst?: number;
  /** What `update` above the request does. Default `"error"`. */
  readonly overage?: Overage;
}

/**
 * So much per window: tokens a minute, bytes an hour. Requests name an amount, and report what they used of it.
 *
 * @throws {InvalidLimitError} naming the field, its value and what it may be.
 * @example
 * new RateLimit({ key: "tokens", capacity: 90_000, windowMs: 60_000 }).algorithm // "token-bucket"
 */
export class RateLimit<const K extends string = string> {
  /** Tells the kinds of limits apart, in plain objects too. */
  readonly type = "rate";
  /** The name that requests use. */
  readonly key: K;
  /** How much passes in a window: a multiple of `unit`. */
  readonly capacity: number;
  /** The window in milliseconds. */
  readonly windowMs: number;
  /** How the rate is enforced. */
  readonly algorithm: RateLimitAlgorithm;
  /** Amounts are whole multiples of it. */
  readonly unit: number;
  /** GCRA only: the most that is granted at one instant. */
  readonly burst?: number;
  /** What `update` above the request does. */
  readonly overage: Overage;

  constructor(options: RateLimitOptions<K>) {
    const { key, capacity, windowMs, algorithm, unit = 1, burst, overage = "error" } = checkOptions(options);
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

/** What a `CallLimit` is made with: the same as a `RateLimit`, but for the key and whole calls. */
export type CallLimitOptions = Pick<RateLimitOptions, "capacity" | "windowMs" | "algorithm" | "burst">;

/**
 * So many calls per window. Every acquisition takes one, unless it names `call_count` itself; no usage to report.
 *
 * @throws {InvalidLimitError} naming the field, its value and what it may be.
 * @example
 * new CallLimit({ capacity: 10, windowMs: 1000 }).key // "call_count"
 */
export class CallLimit {
  /** Tells the kinds of limits apart, in plain objects too. */
  readonly type = "call";
  /** The name that requests use: the same for all CallLimits. */
  readonly key = "call_count";
  /** How many calls pass in a window. */
  readonly capacity: number;
  /** The window in milliseconds. */
  readonly windowMs: number;
  /** How the rate is enforced. */
  readonly algorithm: RateLimitAlgorithm;
  /** GCRA only: the most calls that are granted at one instant. */
  readonly burst?: number;

  constructor(options: CallLimitOptions) {
    const { capacity, windowMs, algorithm, burst } = checkOptions(options);
    this.capacity = checkCapacity(capacity, 1, this.key);
    this.windowMs = checkWindow(windowMs, this.key);
    this.algorithm = checkAlgorithm(algorithm, this.key);
    const bound = checkBurst(burst, { ...this, unit: 1 });
    if (bound !== undefined) this.burst = bound;
    Object.freeze(this);
  }
}

/** What a `ResourceLimit` is made with. */
export interface ResourceLimitOptions<K extends string = string> {
  /** The name requests use. Not empty. */
  readonly key: K;
  /** How many there are: a positive whole number. */
  readonly capacity: number;
}

/**
 * So many at a time: connections, slots. Every acquisition takes one, unless it names another number, and holds it
 * until its release.
 *
 * @throws {InvalidLimitError} naming the field, its value and what it may be.
 * @example
 * new ResourceLimit({ key: "connections", capacity: 10 }).capacity // 10
 */
export class ResourceLimit<const K extends string = string> {
  /** Tells the kinds of limits apart, in plain objects too. */
  readonly type = "resource";
  /** The name that requests use. */
  readonly key: K;
  /** How many there are. */
  readonly capacity: number;

  constructor(options: ResourceLimitOptions<K>) {
    const { key, capacity } = checkOptions(options);
    this.key = checkKey(key);
    this.capacity = checkCapacity(capacity, 1, key);
    Object.freeze(this);
  }
}

/** A limit of any kind. */
export type Limit<K extends string = string> = RateLimit<K> | CallLimit | ResourceLimit<K>;

/** A limit, or a plain object of the same shape: from JSON, say. */
export type LimitLike<K extends string = string> =
  | ({
      /** Makes it a `RateLimit`. */
      readonly type: "rate";
    } & RateLimitOptions<K>)
  | ({
      /** Makes it a `CallLimit`. */
      readonly type: "call";
      /** May be there, as `CallLimit` itself has it. */
      readonly key?: K & "call_count";
    } & CallLimitOptions)
  | ({
      /** Makes it a `ResourceLimit`. */
      readonly type: "resource";
    } & ResourceLimitOptions<K>);

/**
 * Makes limits of the plain objects among `limits`.
 *
 * @throws {InvalidLimitError} also if two have the same key.
 */
export function toLimits<K extends string>(limits: readonly LimitLike<K>[]): readonly Limit<K>[] {
  if (!Array.isArray(limits)) throw new InvalidLimitError("limits", limits, "an array of limits");
  const seen = new Set<string>();
  return limits.map((like: LimitLike<K>) => {
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
  switch (checkOptions(like).type) {
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

// Whole microseconds up to here leave room to add a window to any time: 71 years.
const LONGEST_WINDOW_MS = 2 ** 51 / 1000;

function checkOptions<T>(options: T): T {
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
    throw new InvalidLimitError("burst", burst, `left out: ${algorithm} has none, GCRA has`, key);
  }
  if (burst === undefined) return capacity;
  if (!(typeof burst === "number" && toUnits(burst, unit) > 0 && burst <= capacity)) {
    const bounds = `a multiple of unit ${unit}, up to the capacity ${capacity} (for larger bursts lengthen capacity and window alike)`;
    throw new InvalidLimitError("burst", burst, bounds, key);
  }
  return burst;
}
