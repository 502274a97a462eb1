/** The traits of limits by which requests are turned into units. */
import { RateLimitAlgorithm } from "./algorithm.ts";
import type { Limit } from "./limit.ts";

export function isRate({ type }: Limit): boolean {
  return type === "rate";
}

export function isResource({ type }: Limit): boolean {
  return type === "resource";
}

/** Whether it is a leaky bucket. */
export function isShaper(limit: Limit): boolean {
  return algorithmOf(limit) === RateLimitAlgorithm.LeakyBucket;
}

export function isWindow(limit: Limit): boolean {
  const algorithm = algorithmOf(limit);
  return algorithm === RateLimitAlgorithm.SlidingWindow || algorithm === RateLimitAlgorithm.FixedWindow;
}

/** The units of it that a request takes which does not name it: 1 of calls and resources, 0 of rates. */
export function automaticOf(limit: Limit): number {
  return isRate(limit) ? 0 : 1;
}

function algorithmOf(limit: Limit): RateLimitAlgorithm | undefined {
  return limit.type === "resource" ? undefined : limit.algorithm;
}
