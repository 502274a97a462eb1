/** Call limits: calls in a window. */
import { InvalidLimitError } from "../errors.ts";
import { checkAlgorithm, type RateLimitAlgorithm } from "./algorithm.ts";
import type { Every } from "./calendar.ts";
import {
  CALL_OPTIONS,
  checkBurst,
  checkCapacity,
  checkDefinition,
  checkEnforce,
  checkInitial,
  checkKey,
} from "./checks.ts";
import {
  checkPartitions,
  inTier,
  type PartitionFields,
  TIER_OF_RATE,
  type Tier,
  type Tiers,
} from "./partitioning.ts";
import type { RateFields } from "./rate-limit.ts";
import { type CalendarOptions, checkWindowing, type WindowOptions } from "./windowing.ts";

/** The options of a `CallLimit`, but for its key. */
export type KeylessCallOptions<D extends string = string> = Pick<
  RateFields<string>,
  "capacity" | "algorithm" | "burst" | "initial" | "enforce"
> &
  PartitionFields<D> &
  (WindowOptions | CalendarOptions);

/** The options of a `CallLimit`. They are those of a `RateLimit`, in whole calls, without `counts`, `unit` and `overage`. */
export type CallLimitOptions<K extends string = string, D extends string = string> = KeylessCallOptions<D> & {
  /** The limit's own name: not empty, and unlike all other keys of the set. Requests name `call_count`. Default: `"call_count"`. */
  readonly key?: K;
};

/**
 * A call limit: so many calls in a window. Every request takes 1, unless it names another number of `call_count`. There is no
 * usage to report. A set may have several, each with its own `key`: every call then counts at all of them.
 *
 * @throws {InvalidLimitError} if a field is out of bounds. The error has the field, its value, and what it may be.
 * @example
 * new CallLimit({ capacity: 10, windowMs: 1000 }).key; // "call_count"
 */
export class CallLimit<
  const K extends string = "call_count",
  M extends string = "call_count",
  const D extends string = never,
> {
  /** The kind of the limit, which tells plain objects apart too. */
  readonly type = "call";
  /** The limit's own name. */
  readonly key: K;
  /** The metric: the name that requests use. It is `"call_count"` for all CallLimits. */
  readonly counts: M;
  /** How many calls are allowed in a window. */
  readonly capacity: number;
  /** The window, in milliseconds; undefined if the windows are those of a calendar. */
  readonly windowMs?: number;
  /** The windows of the calendar, if the limit has these. */
  readonly every?: Every;
  /** The time zone of the calendar. */
  readonly timeZone?: string;
  /** How the rate is enforced. */
  readonly algorithm: RateLimitAlgorithm;
  /** For GCRA only: the most calls that are granted at one instant. */
  readonly burst?: number;
  /** How many calls were available at the start, if that was given. */
  readonly initial?: number;
  /** Whether the limit refuses. */
  readonly enforce: boolean;
  /** The dimension of which each name has a state of the limit to itself, if it has one. */
  readonly per?: D;
  /** What differs by tier, if it has tiers. */
  readonly tiers?: Tiers;

  constructor(options: CallLimitOptions<K, D> | CallLimit<K, "call_count", D>) {
    checkDefinition("a CallLimit", options, CALL_OPTIONS);
    const { key = CALL_COUNT as K, counts = CALL_COUNT, capacity } = options as Data<K, D>;
    const { algorithm, burst } = options;
    this.key = checkKey(key);
    if (counts !== CALL_COUNT) {
      throw new InvalidLimitError("counts", counts, "left out, since every CallLimit counts call_count", key);
    }
    this.counts = CALL_COUNT as M;
    this.capacity = checkCapacity(capacity, 1, this.key);
    this.algorithm = checkAlgorithm(algorithm, this.key);
    Object.assign(this, checkWindowing(options, this.algorithm, this.key));
    const bound = checkBurst(burst, { ...this, unit: 1 });
    if (bound !== undefined) this.burst = bound;
    const start = checkInitial(options.initial, { ...this, unit: 1 });
    if (start !== undefined) this.initial = start;
    this.enforce = checkEnforce(options.enforce, key);
    const inOneTier = (tier: Tier) => new CallLimit(inTier(options as CallLimitOptions, tier));
    Object.assign(this, checkPartitions(options, this, TIER_OF_RATE, inOneTier));
    Object.freeze(this);
  }
}

const CALL_COUNT: string = "call_count";

/** The options, and the metric that data of a CallLimit have. */
type Data<K extends string, D extends string> = CallLimitOptions<K, D> & { readonly counts?: string };
