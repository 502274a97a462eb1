/** A set for threads that take at random: limits of all algorithms, and two exact counters of all grants. */
import { LimitSet, RateLimit, RateLimitAlgorithm, ResourceLimit } from "limitset";

const YEAR_MS = 365 * 86_400_000;

export function limitsOfAllKinds(maxThreads: number): LimitSet<string> {
  const rate = (key: string, capacity: number, windowMs: number, algorithm: RateLimitAlgorithm) =>
    new RateLimit({ key, capacity, windowMs, algorithm });
  return new LimitSet<string>({
    limits: [
      rate("total", 2 ** 40, YEAR_MS, RateLimitAlgorithm.FixedWindow),
      rate("tokens", 5000, 50, RateLimitAlgorithm.TokenBucket),
      rate("cells", 2000, 50, RateLimitAlgorithm.GCRA),
      rate("bucket", 2000, 10, RateLimitAlgorithm.LeakyBucket),
      rate("log", 2000, 20, RateLimitAlgorithm.SlidingWindow),
      new ResourceLimit({ key: "db", capacity: 6 }),
      new ResourceLimit({ key: "slots", capacity: 4 }),
      rate("twin", 2 ** 40, YEAR_MS, RateLimitAlgorithm.FixedWindow),
    ],
    missingUpdate: "charge",
    maxThreads,
    onWarning: () => {},
  });
}
