import {
  HOUR_MS,
  limiterBucket,
  limiterRate,
  PLENTY,
  remove,
  ThreeLineBucket,
  take,
  takeTokens,
  tokens,
} from "../sets.js";

export const FLOOR = "floor: token bucket in three lines";
export const OURS = "limitset, token bucket";
const CLOCK = "floor: clock read";

/**
 * Shared memory only, as by default: a program that has private sets too calls two instances of the core from one
 * place, which costs both some nanoseconds.
 * @returns {import("../measure.js").Section}
 */
export function oneLimit() {
  const against = { "x bucket": FLOOR, "x clock": CLOCK };
  return {
    title: "One limit, granted, synchronous",
    work: "take 1 token of a bucket that always has it, as `limits.tryAcquire({ tokens: 1 }).successful`; nothing is given back",
    columns: ["x bucket", "x clock"],
    cases: [
      { name: CLOCK, run: readClock, against },
      { name: FLOOR, run: take(new ThreeLineBucket(PLENTY, HOUR_MS)), against },
      { name: OURS, run: takeTokens(tokens()), against },
      { name: "limiter, TokenBucket", run: remove(limiterBucket()), against },
      { name: "limiter, RateLimiter", run: remove(limiterRate()), against },
    ],
  };
}

/** @param {number} n */
function readClock(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += performance.now();
  return sum > 0 ? n : 0;
}
