/** The algorithms of rates, by name. */
import { InvalidLimitError } from "../errors.ts";

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

export function checkAlgorithm(algorithm: RateLimitAlgorithm | undefined, key: string): RateLimitAlgorithm {
  if (algorithm === undefined) return RateLimitAlgorithm.TokenBucket;
  const known: readonly string[] = Object.values(RateLimitAlgorithm);
  if (!known.includes(algorithm)) {
    throw new InvalidLimitError("algorithm", algorithm, `one of ${known.join(", ")}`, key);
  }
  return algorithm;
}
