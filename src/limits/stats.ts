/** What a limit looks like at one moment. */
import type { Limit, RateLimitAlgorithm } from "./limits.ts";
import { toAmount } from "./units.ts";

/** A frozen snapshot of one limit; amounts in the limit's own terms, times in milliseconds. */
export interface LimitStats {
  /** What kind of limit it is: `"rate"`, `"call"` or `"resource"`. */
  readonly type: Limit["type"];
  /** The capacity of the limit. */
  readonly capacity: number;
  /** What is left: the capacity (of a GCRA the burst) less `used`. Below zero after overage. */
  readonly available: number;
  /** What has been taken and is not back yet; part of a unit counts as one. */
  readonly used: number;
  /** `used / capacity`. */
  readonly utilization: number;
  /** How many waiters in this thread want some of it. */
  readonly waiting: number;
  /** How long one unit would have to wait; 0 if it would pass, Infinity if that hangs on a release. */
  readonly retryAfterMs: number;
  /** How the rate is enforced; of RateLimits and CallLimits only. */
  readonly algorithm?: RateLimitAlgorithm;
  /** The window in milliseconds; of RateLimits and CallLimits only. */
  readonly windowMs?: number;
}

/** Describes `limit` with `usedUnits` in use. */
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
