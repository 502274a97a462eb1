import { Sema } from "async-sema";
import { CallLimit, LimitSet, RateLimit, RateLimitAlgorithm, ResourceLimit } from "limitset";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { ThreeLineBucket, take } from "../floors.js";
import { freshLoops } from "../loops.js";
import { effectLimit, tryEffect } from "../peers/effect.js";
import { limiterBucket, limiterRate, remove } from "../peers/limiter.js";
import { pacer } from "../peers/pacer.js";
import {
  DAY_MS,
  HOUR_MS,
  PLENTY,
  refusals,
  SCARCE,
  takeLeaked,
  takeTokens,
  takeUnasked,
  tokens,
} from "../sets.js";

const FLOOR = "floor: token bucket in three lines";
export const GRANT = "x its grant";
export const KINDS = [
  ...Object.keys(RateLimitAlgorithm),
  "CallLimit",
  "ResourceLimit",
  "4 rates, 1 refuses",
].map((kind) => `limitset, ${kind}`);
const SLOTS = 10_000;
const scarce = { capacity: SCARCE, windowMs: DAY_MS };
const plenty = { capacity: PLENTY, windowMs: HOUR_MS };

/** The name of the case with which the case `name` is compared. @param {string} name */
export const granted = (name) => `${name}, granted`;

/** @returns {Promise<import("../measure.js").Section>} */
export async function refused() {
  const { takeFour } = await freshLoops();
  return {
    title: "Refused",
    work: `ask 1 of a limit of ${SCARCE} that is used up, be told no; beside the grant by one of the same kind that has plenty`,
    columns: [GRANT, "x bucket's no"],
    cases: [
      ...pair(FLOOR, take(new ThreeLineBucket(PLENTY, HOUR_MS)), take(new ThreeLineBucket(SCARCE, DAY_MS))),
      ...Object.entries(RateLimitAlgorithm).flatMap(([kind, algorithm]) => {
        const leaky = algorithm === RateLimitAlgorithm.LeakyBucket;
        const grants = leaky ? takeLeaked() : takeTokens(tokens({ ...plenty, algorithm }));
        return pair(`limitset, ${kind}`, grants, takeTokens(tokens({ ...scarce, algorithm })));
      }),
      ...pair(
        "limitset, CallLimit",
        takeUnasked(new LimitSet({ limits: [new CallLimit(plenty)] })),
        takeUnasked(new LimitSet({ limits: [new CallLimit(scarce)] })),
      ),
      ...pair(
        "limitset, ResourceLimit",
        takeUnasked(new LimitSet({ limits: [new ResourceLimit({ key: "slots", capacity: PLENTY })] })),
        takeUnasked(new LimitSet({ limits: [new ResourceLimit({ key: "slots", capacity: SCARCE })] })),
      ),
      ...pair("limitset, 4 rates, 1 refuses", takeFour(rates(PLENTY)), takeFour(rates(SCARCE))),
      ...pair("limiter, TokenBucket", remove(limiterBucket()), remove(limiterBucket(SCARCE, DAY_MS))),
      ...pair("limiter, RateLimiter", remove(limiterRate()), remove(limiterRate(SCARCE, DAY_MS))),
      ...pair("pacer, sliding window", pacer("sliding"), pacer("sliding", SCARCE, DAY_MS)),
      ...pair(
        "effect, token bucket: the error as a value",
        tryEffect(effectLimit("token-bucket")),
        tryEffect(effectLimit("token-bucket", SCARCE, DAY_MS)),
      ),
      ...pair("async-sema, tryAcquire, kept", trySema(SLOTS), trySema(SCARCE)),
      ...awaited("rate-limiter-flexible, awaited, rejects", consume(PLENTY), consume(SCARCE)),
      ...awaited("limitset, awaited, rejects (timeoutMs: 0)", acquire(plenty), acquire(scarce)),
    ],
  };
}

/** A set of four rate limits. The last has the capacity `last`. @param {number} last */
function rates(last) {
  const rate = (/** @type {string} */ key, capacity = PLENTY, windowMs = HOUR_MS) =>
    new RateLimit({ key, capacity, windowMs });
  return new LimitSet({
    limits: [rate("input"), rate("output"), rate("cached"), rate("bytes", last, DAY_MS)],
  });
}

/** A semaphore makes a list of its free slots first. So it has few, and the loop gives them back now and then. @param {number} count */
function trySema(count) {
  const sema = new Sema(count);
  let taken = 0;
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) {
      if (!sema.tryAcquire()) continue;
      granted++;
      if (count === SLOTS && ++taken === SLOTS) for (; taken > 0; taken--) sema.release();
    }
    return granted;
  };
}

/** @param {string} name @param {(n: number) => number} grants @param {(n: number) => number} refuses grants SCARCE times before it refuses */
function pair(name, grants, refuses) {
  refuses(SCARCE);
  return awaited(name, grants, refusals(refuses));
}

/**
 * @param {string} name @param {import("../measure.js").Case["run"]} grants @param {import("../measure.js").Case["run"]} refuses
 * @returns {import("../measure.js").Case[]}
 */
function awaited(name, grants, refuses) {
  const against = { [GRANT]: granted(name), "x bucket's no": FLOOR };
  return [
    { name: granted(name), run: grants, hidden: true },
    // A new window may begin during the run. Then the run grants until the limit is used up again.
    { name, run: refuses, against, slack: SCARCE },
  ];
}

/** Counts grants of a limit with plenty of points, and refusals of a limit with few. @param {number} points */
function consume(points) {
  const limiter = new RateLimiterMemory({ points, duration: DAY_MS / 1000 });
  return async (/** @type {number} */ n) => {
    let grants = 0;
    for (let i = 0; i < n; i++) {
      try {
        await limiter.consume("user");
        grants++;
      } catch {}
    }
    return points === PLENTY ? grants : n - grants;
  };
}

/** @param {{ capacity: number, windowMs: number }} limit */
function acquire(limit) {
  const limits = tokens(limit);
  return async (/** @type {number} */ n) => {
    let grants = 0;
    for (let i = 0; i < n; i++) {
      try {
        await limits.acquire({ tokens: 1 }, { timeoutMs: 0 });
        grants++;
      } catch {}
    }
    return limit === plenty ? grants : n - grants;
  };
}
