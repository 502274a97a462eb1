import { RateLimit } from "limitset";
import { callWasm, readClock, ThreeLineBucket, take } from "../floors.js";
import { freshLoops } from "../loops.js";
import { consumeEffect, effectLimit } from "../peers/effect.js";
import { limiterBucket, limiterRate, remove } from "../peers/limiter.js";
import { PlainSet } from "../plain/set.js";
import { HOUR_MS, PLENTY, takeTokens, tokens } from "../sets.js";

export const FLOOR = "floor: token bucket in three lines";
export const OURS = "limitset, token bucket";
const CLOCK = "floor: clock read";
const PLAIN = "floor: the same in plain JavaScript";

/**
 * Sets in shared memory only, as by default. A program with private sets too would call two instances of the core from one place,
 * which makes both some nanoseconds slower.
 *
 * @returns {Promise<import("../measure.js").Section>}
 */
export async function oneLimit() {
  const against = { "x bucket": FLOOR, "x clock": CLOCK, "x plain": PLAIN };
  const rate = new RateLimit({ key: "input", capacity: PLENTY, windowMs: HOUR_MS });
  const { takeOne } = await freshLoops();
  return {
    title: "One limit, granted, synchronous",
    work: "take 1 token of a bucket that always has it, as `limits.tryAcquire({ tokens: 1 }).successful`; nothing is given back",
    columns: ["x bucket", "x plain", "x clock"],
    cases: [
      { name: CLOCK, run: readClock, against },
      { name: "floor: bare call into wasm", run: callWasm(), against },
      { name: FLOOR, run: take(new ThreeLineBucket(PLENTY, HOUR_MS)), against },
      { name: PLAIN, run: takeOne(new PlainSet({ limits: [rate] })), against },
      { name: OURS, run: takeTokens(tokens()), against },
      { name: "limiter, TokenBucket", run: remove(limiterBucket()), against },
      { name: "limiter, RateLimiter", run: remove(limiterRate()), against },
      {
        name: "effect, token bucket, run synchronously",
        run: consumeEffect(effectLimit("token-bucket")),
        against,
      },
    ],
  };
}
