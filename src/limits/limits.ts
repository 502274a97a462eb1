/** Limits, of which sets are made: frozen data that was checked when it was made, without behaviour. */
import { InvalidLimitError } from "../errors.ts";
import { CallLimit, type CallLimitOptions, type KeylessCallOptions } from "./call-limit.ts";
import { checkObject } from "./checks.ts";
import type { Limit } from "./limit.ts";
import { checkMetrics } from "./metrics.ts";
import { inTier } from "./partitioning.ts";
import { type KeyedRateOptions, RateLimit, type RateLimitOptions } from "./rate-limit.ts";
import { ResourceLimit, type ResourceLimitOptions } from "./resource-limit.ts";

export { RateLimitAlgorithm } from "./algorithm.ts";
export type { Every } from "./calendar.ts";
export { CallLimit, type CallLimitOptions, type KeylessCallOptions } from "./call-limit.ts";
export type { Limit } from "./limit.ts";
export type { PartitionFields, Tier, Tiers } from "./partitioning.ts";
export {
  type KeyedRateOptions,
  type Overage,
  type RateFields,
  RateLimit,
  type RateLimitOptions,
} from "./rate-limit.ts";
export { ResourceLimit, type ResourceLimitOptions } from "./resource-limit.ts";
export type { CalendarOptions, WindowOptions } from "./windowing.ts";

/** A limit with the key `K` that counts `M`, or a plain object of the same shape: one from JSON, for example. */
export type LimitLike<K extends string = string, M extends string = K, D extends string = string> =
  // Compilers infer keys and metrics of limits from these, and of plain objects from those below.
  | RateLimit<K, M, D>
  | CallLimit<K, M, D>
  | ResourceLimit<K, D>
  | ResourceLimit<M, D>
  | ({
      /** Makes it a `RateLimit`. */
      readonly type: "rate";
    } & (KeyedRateOptions<K, D> | KeyedRateOptions<M, D>))
  | ({
      /** Makes it a `RateLimit`. */
      readonly type: "rate";
      /** Its metric. */
      readonly counts: M;
    } & RateLimitOptions<K, M, D>)
  | ({
      /** Makes it a `CallLimit`. */
      readonly type: "call";
      /** Its own name. Default: `"call_count"`. */
      readonly key: K;
    } & KeylessCallOptions<D>)
  | ({
      /** Makes it a `CallLimit`. */
      readonly type: "call";
    } & KeylessCallOptions<D>)
  | ({
      /** Makes it a `ResourceLimit`. */
      readonly type: "resource";
    } & (ResourceLimitOptions<K, D> | ResourceLimitOptions<M, D>));

/**
 * Makes limits of the plain objects among `limits`.
 *
 * @throws {InvalidLimitError} if a definition is out of bounds, two limits have the same key, or limits of one metric do not fit
 * together.
 */
export function toLimits<K extends string, M extends string = K>(
  limits: readonly LimitLike<K, M>[],
): readonly Limit<K, M>[] {
  if (!Array.isArray(limits)) throw new InvalidLimitError("limits", limits, "an array of limits");
  const seen = new Set<string>();
  // A copy, since an empty place in the array is an error, too.
  const made = [...limits].map((like: LimitLike<K, M>) => {
    const limit = toLimit(like);
    if (seen.has(limit.key)) {
      throw new InvalidLimitError("key", limit.key, "different from the key of every other limit of the set");
    }
    seen.add(limit.key);
    return limit;
  });
  checkMetrics(made);
  return made;
}

/** A limit as it is in a tier: the same one, if it has not that tier. */
export function tierOf(limit: Limit, tier: string | undefined): Limit {
  const { tiers } = limit;
  if (tier === undefined || tiers === undefined || !Object.hasOwn(tiers, tier)) return limit;
  return toLimit(inTier(limit, tiers[tier]!) as LimitLike) as Limit;
}

function toLimit<K extends string, M extends string>(like: LimitLike<K, M>): Limit<K, M> {
  if (like instanceof RateLimit || like instanceof CallLimit || like instanceof ResourceLimit)
    return like as Limit<K, M>;
  switch (checkObject<{ readonly type: unknown }>(like).type) {
    case "rate":
      return new RateLimit<K, M, string>(like as unknown as RateLimitOptions<K, M>);
    case "call":
      return new CallLimit<K, "call_count", string>(like as CallLimitOptions<K>);
    case "resource":
      return new ResourceLimit<K, string>(like as ResourceLimitOptions<K>);
    default:
      throw new InvalidLimitError("type", (like as { type?: unknown }).type, `"rate", "call" or "resource"`);
  }
}
