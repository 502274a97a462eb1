import { LimitSet, RateLimit, RateLimitAlgorithm } from "limitset";
import { PLENTY, takeTokens } from "../sets.js";

const ENTRIES = [1, 8, 32, 64, 127, 1000, 100_000];

/** @param {number} count */
const named = (count) => `SlidingWindow, ${count.toLocaleString("en")} in the window`;
const BUCKET = "TokenBucket";

/** @returns {import("../measure.js").Section} */
export function entries() {
  const against = { "x one": named(1), "x bucket": BUCKET };
  return {
    title: "Cost by what a sliding window holds",
    work: "take 1, a microsecond after the one before, on a clock that counts: so many are in the window. The log has 128 entries; above that, neighbours are merged. No clock is read, so the rest of the cost shows",
    columns: ["x one", "x bucket"],
    cases: [
      { name: BUCKET, run: take(RateLimitAlgorithm.TokenBucket, 1), against },
      ...ENTRIES.map((count) => ({
        name: named(count),
        run: take(RateLimitAlgorithm.SlidingWindow, count),
        against,
      })),
    ],
  };
}

/** @param {import("limitset").RateLimitAlgorithm} algorithm @param {number} micros */
function take(algorithm, micros) {
  const limit = new RateLimit({ key: "tokens", capacity: PLENTY, windowMs: micros / 1000, algorithm });
  return takeTokens(new LimitSet({ limits: [limit], clock: new CountingClock() }));
}

/** A clock that moves on by a microsecond each time it is read. */
class CountingClock {
  micros = 1_000_000;

  now() {
    return ++this.micros / 1000;
  }

  /** @returns {unknown} */
  setTimeout() {
    throw new Error("no request waits here");
  }

  clearTimeout() {}
}
