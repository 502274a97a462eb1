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
  /** How the rate is enforced; RateLimits and CallLimits only. */
  readonly algorithm?: RateLimitAlgorithm;
  /** The window, in milliseconds; RateLimits and CallLimits only. */
  readonly windowMs?: number;
}

/** The stats of a limit of which `usedUnits` are in use. */
export function describe(limit: Limit, usedUnits: number, retryAfterMs: number, waiting: number): LimitStats {
  const { type, capacity } = limit;
  const unit = limit.type === "rate" ? limit.unit : 1;
  const used = toAmount(usedUnits, unit);
  const ceiling = limit.type === "resource" ? capacity : (limit.burst ?? capacity);
  const stats: LimitStats = {
    type,
    capacity,
    available: toAmount(Math.round((ceiling - used) / unit), unit),
    used,
    utilization: used / capacity,
    waiting,
    retryAfterMs,
  };
  if (limit.type === "resource") return Object.freeze(stats);
  return Object.freeze({ ...stats, algorithm: limit.algorithm, windowMs: limit.windowMs });
}
