import { CallLimit, LimitSet, RateLimitAlgorithm, ResourceLimit } from "limitset";
import { ThreeLineBucket, take } from "../floors.js";
import { consumeEffect, effectLimit } from "../peers/effect.js";
import { limiterBucket, limiterRate, remove } from "../peers/limiter.js";
import { pacer } from "../peers/pacer.js";
import { HOUR_MS, PLENTY, takeLeaked, takeTokens, takeUnasked, tokens } from "../sets.js";

const FLOOR = "floor: token bucket in three lines";
const BUCKET = "TokenBucket";

/** @returns {import("../measure.js").Section} */
export function algorithms() {
  const against = { "x bucket": FLOOR, "x TokenBucket": BUCKET };
  const { GCRA, SlidingWindow, FixedWindow } = RateLimitAlgorithm;
  const call = new LimitSet({ limits: [new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS })] });
  const slots = new LimitSet({ limits: [new ResourceLimit({ key: "slots", capacity: PLENTY })] });
  return {
    title: "By algorithm, granted, synchronous",
    work: "take 1 of a limit that always has it. pacer keeps a list of all calls of the window and goes through it: its window is 1 ms, a larger one costs in proportion",
    columns: ["x bucket", "x TokenBucket"],
    cases: [
      { name: FLOOR, run: take(new ThreeLineBucket(PLENTY, HOUR_MS)), against },
      { name: BUCKET, run: takeTokens(tokens()), against },
      { name: "GCRA", run: takeTokens(tokens({ algorithm: GCRA })), against },
      {
        name: "GCRA, burst a tenth",
        run: takeTokens(tokens({ algorithm: GCRA, burst: PLENTY / 10 })),
        against,
      },
      { name: "FixedWindow", run: takeTokens(tokens({ algorithm: FixedWindow })), against },
      { name: "SlidingWindow, log full", run: takeTokens(tokens({ algorithm: SlidingWindow })), against },
      {
        name: "SlidingWindow, log short",
        run: takeTokens(tokens({ algorithm: SlidingWindow, windowMs: 0.005 })),
        against,
      },
      { name: "LeakyBucket, 32 in turn", run: takeLeaked(), against },
      { name: "limiter, TokenBucket", run: remove(limiterBucket()), against },
      { name: "limiter, RateLimiter: bucket and window", run: remove(limiterRate()), against },
      {
        name: "effect, token bucket, run synchronously",
        run: consumeEffect(effectLimit("token-bucket")),
        against,
      },
      {
        name: "effect, fixed window, run synchronously",
        run: consumeEffect(effectLimit("fixed-window")),
        against,
      },
      { name: "pacer, fixed window", run: pacer("fixed"), against },
      { name: "pacer, sliding window", run: pacer("sliding"), against },
      { name: "CallLimit, unasked", run: takeUnasked(call), against },
      { name: "ResourceLimit, unasked, kept", run: takeUnasked(slots), against },
    ],
  };
}
