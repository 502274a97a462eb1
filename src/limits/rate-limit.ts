/** Rate limits: amounts in a window. */
import { InvalidLimitError } from "../errors.ts";
import { checkAlgorithm, type RateLimitAlgorithm } from "./algorithm.ts";
import type { Every } from "./calendar.ts";
import {
  checkBurst,
  checkCapacity,
  checkDefinition,
  checkEnforce,
  checkInitial,
  checkKey,
  checkName,
  RATE_OPTIONS,
} from "./checks.ts";
import {
  checkPartitions,
  inTier,
  type PartitionFields,
  TIER_OF_RATE,
  type Tier,
  type Tiers,
} from "./partitioning.ts";
import { type CalendarOptions, checkWindowing, type WindowOptions } from "./windowing.ts";

/** What `update` does about usage above the request: an error, or a debt that is charged at release. */
export type Overage = "error" | "debt";

/** The options of a `RateLimit`, but for its metric. */
export type KeyedRateOptions<K extends string, D extends string = string> = RateFields<K> &
  PartitionFields<D> &
  (WindowOptions | CalendarOptions);

/** The options of a `RateLimit`, but for its metric and its windows. */
export interface RateFields<K extends string> {
  /** The limit's own name: not empty, and unlike all other keys of the set. Requests use it too, unless `counts` has another. */
  readonly key: K;
  /** The amount that is allowed in a window: a positive multiple of `unit`, at most 2^53 - 1 of them, or `Infinity` for no limit. */
  readonly capacity: number;
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
  /** What is available at the start: from 0 to the capacity (of a GCRA: to the burst), in multiples of `unit`. Default: all. */
  readonly initial?: number;
  /**
   * Whether the limit refuses. A limit that does not is a shadow: where it would refuse it lets pass, takes nothing, and counts that
   * in its statistics. Default: true.
   */
  readonly enforce?: boolean;
}

/** The options of a `RateLimit`. */
export type RateLimitOptions<
  K extends string = string,
  M extends string = K,
  D extends string = string,
> = KeyedRateOptions<K, D> & {
  /**
   * The metric: the name that requests, `requested` and `update` use. Several RateLimits of a set may count one metric, as tokens a
   * minute and tokens a day: one amount is then taken of all of them. They have the same `unit` and `overage`. Not empty, and not
   * `"call_count"`. Default: the key.
   */
  readonly counts?: M;
};

/**
 * A rate limit: an amount in a window, such as tokens a minute or bytes an hour. Requests name an amount, and report how much of
 * it they used.
 *
 * @throws {InvalidLimitError} if a field is out of bounds. The error has the field, its value, and what it may be.
 * @example
 * new RateLimit({ key: "tokens", capacity: 90_000, windowMs: 60_000 }).algorithm; // "token-bucket"
 */
export class RateLimit<
  const K extends string = string,
  const M extends string = K,
  const D extends string = never,
> {
  /** The kind of the limit, which tells plain objects apart too. */
  readonly type = "rate";
  /** The limit's own name. */
  readonly key: K;
  /** The metric: the name that requests use. */
  readonly counts: M;
  /** The amount that is allowed in a window: a multiple of `unit`. */
  readonly capacity: number;
  /** The window, in milliseconds; undefined if the windows are those of a calendar. */
  readonly windowMs?: number;
  /** The windows of the calendar, if the limit has these. */
  readonly every?: Every;
  /** The time zone of the calendar. */
  readonly timeZone?: string;
  /** How the rate is enforced. */
  readonly algorithm: RateLimitAlgorithm;
  /** The step of amounts: all are whole multiples of it. */
  readonly unit: number;
  /** For GCRA only: the most that is granted at one instant. */
  readonly burst?: number;
  /** What `update` does about usage above the request. */
  readonly overage: Overage;
  /** What was available at the start, if that was given. */
  readonly initial?: number;
  /** Whether the limit refuses. */
  readonly enforce: boolean;
  /** The dimension of which each name has a state of the limit to itself, if it has one. */
  readonly per?: D;
  /** What differs by tier, if it has tiers. */
  readonly tiers?: Tiers;

  constructor(options: RateLimitOptions<K, M, D> | RateLimit<K, M, D>) {
    checkDefinition("a RateLimit", options, RATE_OPTIONS);
    const { key, capacity, algorithm, unit = 1, burst, overage = "error", counts } = options;
    this.key = checkKey(key);
    this.counts = checkMetric(counts ?? (key as unknown as M), key);
    if (!(Number.isFinite(unit) && unit > 0)) {
      throw new InvalidLimitError("unit", unit, "a positive number", key);
    }
    if (overage !== "error" && overage !== "debt") {
      throw new InvalidLimitError("overage", overage, `"error" or "debt"`, key);
    }
    this.unit = unit;
    this.overage = overage;
    this.capacity = checkCapacity(capacity, unit, key);
    this.algorithm = checkAlgorithm(algorithm, key);
    Object.assign(this, checkWindowing(options, this.algorithm, key));
    const bound = checkBurst(burst, this);
    if (bound !== undefined) this.burst = bound;
    const start = checkInitial(options.initial, this);
    if (start !== undefined) this.initial = start;
    this.enforce = checkEnforce(options.enforce, key);
    const inOneTier = (tier: Tier) => new RateLimit(inTier(options as RateLimitOptions, tier));
    Object.assign(this, checkPartitions(options, this, TIER_OF_RATE, inOneTier));
    Object.freeze(this);
  }
}

/** A metric of rates is none of calls, which take 1 unless they are named. */
function checkMetric<M extends string>(metric: M, key: string): M {
  if (metric !== "call_count") return checkName("counts", metric, key);
  throw new InvalidLimitError("counts", metric, "another name, since CallLimits count call_count", key);
}
