import { CallLimit, LimitSet, RateLimitAlgorithm, ResourceLimit } from "limitset";
import { RateLimiterMemory } from "rate-limiter-flexible";
import {
  DAY_MS,
  HOUR_MS,
  limiterBucket,
  limiterRate,
  PLENTY,
  refusals,
  remove,
  SCARCE,
  ThreeLineBucket,
  take,
  takeLeaked,
  takeTokens,
  takeUnasked,
  tokens,
} from "../sets.js";

const FLOOR = "floor: token bucket in three lines";
export const GRANT = "x its grant";
export const KINDS = [...Object.keys(RateLimitAlgorithm), "CallLimit", "ResourceLimit"].map(
  (kind) => `limitset, ${kind}`,
);
const scarce = { capacity: SCARCE, windowMs: DAY_MS };
const plenty = { capacity: PLENTY, windowMs: HOUR_MS };

/** The case that `name` is compared with. @param {string} name */
export const granted = (name) => `${name}, granted`;

/** @returns {import("../measure.js").Section} */
export function refused() {
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
      ...pair("limiter, TokenBucket", remove(limiterBucket()), remove(limiterBucket(SCARCE, DAY_MS))),
      ...pair("limiter, RateLimiter", remove(limiterRate()), remove(limiterRate(SCARCE, DAY_MS))),
      ...awaited("rate-limiter-flexible, awaited, rejects", consume(PLENTY), consume(SCARCE)),
      ...awaited("limitset, awaited, rejects (timeoutMs: 0)", acquire(plenty), acquire(scarce)),
    ],
  };
}

/** @param {string} name @param {(n: number) => number} grants @param {(n: number) => number} refuses still has SCARCE */
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
    // A new window may begin while it runs, and what has not been used up yet is.
    { name, run: refuses, against, slack: SCARCE },
  ];
}

/** Counts what the limit of so many points is there for: grants of plenty, refusals of few. @param {number} points */
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
