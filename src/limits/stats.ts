/** The state of a limit at one moment, as users read it. */
import type { Limit, RateLimitAlgorithm } from "./limits.ts";
import { toAmount } from "./units.ts";

/**
 * A frozen snapshot of one limit. Amounts are multiples of the limit's `unit`, times are milliseconds.
 *
 * @example
 * const limits = new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 })] });
 * const { available, utilization }: LimitStats = limits.stats().tokens;
 * available; // 100
 * utilization; // 0
 */
export interface LimitStats {
  /** The kind of the limit. */
  readonly type: Limit["type"];
  /** The capacity of the limit, as it was defined. */
  readonly capacity: number;
  /** The amount that is left: the capacity (of a GCRA limit, the burst) less `used`. Below 0 after overage. */
  readonly available: number;
  /** The amount that was taken and is not back yet. A part of a unit counts as one. */
  readonly used: number;
  /** `used / capacity`: 0 if nothing is in use, 1 if all is, above 1 after overage. */
  readonly utilization: number;
  /**
   * How many waiters want some of the limit: those of this thread; over Redis, of this process; over a port or in a Durable Object, of
   * the host.
   */
  readonly waiting: number;
  /** The milliseconds until one unit would pass: 0 if it would now, `Infinity` if it needs a release. */
  readonly retryAfterMs: number;
  /** How many requests it has granted since the set was made, by all threads. Like all totals, NaN where the set does not count. */
  readonly granted: number;
  /** How many requests it has refused for good: it stands in their `limitedBy`. */
  readonly refused: number;
  /** How many requests that wanted some of it have timed out. */
  readonly timedOut: number;
  /** How many requests that wanted some of it were aborted while they waited. */
  readonly aborted: number;
  /**
   * The unused amounts that came back. A release that charges nothing reads no clock: it counts what came back as of the last call before
   * it that did, though some of that may have been free by then anyway. What is available is exact.
   */
  readonly refunded: number;
  /** The amounts that were charged without a grant: by `charge`, and as overage. */
  readonly charged: number;
  /** How many of the granted requests it would have refused, if it were no shadow. */
  readonly wouldRefuse: number;
  /** The milliseconds until nothing of it is in use any more, if nothing is taken: 0 if so now; RateLimits and CallLimits only. */
  readonly fullInMs?: number;
  /** How the rate is enforced; RateLimits and CallLimits only. */
  readonly algorithm?: RateLimitAlgorithm;
  /** The window, in milliseconds: of a calendar, the present one; RateLimits and CallLimits only. */
  readonly windowMs?: number;
}

/** The state of a limit in units, as its core reads it. The totals are left out where nothing counts them. */
export interface Reading {
  readonly used: number;
  /** For how long one unit would wait, in milliseconds. */
  readonly wait: number;
  readonly waiting: number;
  readonly totals?: Totals;
  /** The length of the present window of a calendar, in milliseconds. */
  readonly windowMs?: number | undefined;
}

/** The counts of requests and of units since a set was made. */
export type Counts = Pick<
  LimitStats,
  "granted" | "refused" | "timedOut" | "aborted" | "refunded" | "charged" | "wouldRefuse"
>;

/** The totals of a limit in units, where its stats have amounts. */
export interface Totals extends Counts {
  readonly fullInMs: number;
}

/** The totals of a set that does not count. */
function unknown(): Counts {
  const none = Number.NaN;
  return {
    granted: none,
    refused: none,
    timedOut: none,
    aborted: none,
    refunded: none,
    charged: none,
    wouldRefuse: none,
  };
}

/** The stats of a limit. */
export function describe(
  limit: Limit,
  { used: usedUnits, wait, waiting, totals, windowMs }: Reading,
): LimitStats {
  const { type, capacity } = limit;
  const unit = limit.type === "rate" ? limit.unit : 1;
  const used = toAmount(usedUnits, unit);
  const ceiling = limit.type === "resource" ? capacity : (limit.burst ?? capacity);
  const { fullInMs, ...counts } = totals ?? { ...unknown(), fullInMs: undefined };
  const stats: LimitStats = {
    type,
    capacity,
    available: toAmount(Math.round((ceiling - used) / unit), unit),
    used,
    utilization: used / capacity,
    waiting,
    retryAfterMs: wait,
    ...counts,
    refunded: toAmount(counts.refunded, unit),
    charged: toAmount(counts.charged, unit),
  };
  if (limit.type === "resource") return Object.freeze(stats);
  const rest = { algorithm: limit.algorithm, windowMs: windowMs ?? limit.windowMs! };
  return Object.freeze({ ...stats, ...(fullInMs !== undefined && { fullInMs }), ...rest });
}

/** The stats of a set elsewhere, whose version may not count totals. */
export function withTotals(stats: LimitStats): LimitStats {
  return Object.freeze({ ...unknown(), ...stats });
}
