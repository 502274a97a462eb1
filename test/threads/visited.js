/** Limits of users and visitors, in several kinds: each has its own order and capacities, and what is counted for ever counts on. */
import { RateLimit, RateLimitAlgorithm, ResourceLimit } from "limitset";

export const KINDS = 3;
const YEAR_MS = 365 * 86_400_000;

/** @param {number} kind @returns {import("limitset").Limit<string, string>[]} */
export function definitions(kind) {
  const { FixedWindow, SlidingWindow, GCRA, TokenBucket } = RateLimitAlgorithm;
  const forEver = { counts: "calls", capacity: 2 ** 40 + kind, windowMs: YEAR_MS, algorithm: FixedWindow };
  const tokens = {
    ...{ key: "tokens", capacity: 9 + 5 * kind, windowMs: 5, per: "visitor" },
    tiers: { pro: { capacity: 30 } },
  };
  const log = { key: "log", counts: "tokens", capacity: 50 - kind, windowMs: 5, per: "visitor" };
  const all = [
    // Exact counters of all grants.
    new RateLimit({ key: "total", ...forEver }),
    new RateLimit({ key: "each", per: "user", ...forEver }),
    new ResourceLimit({ key: "db", capacity: 9 - kind }),
    new ResourceLimit({ key: "slots", capacity: 2 + (kind % 2), per: "user" }),
    new ResourceLimit({ key: "seat", capacity: 1, per: "visitor" }),
    new RateLimit({ ...tokens, algorithm: kind === 1 ? GCRA : TokenBucket }),
    ...(kind === 2 ? [] : [new RateLimit({ ...log, algorithm: SlidingWindow })]),
  ];
  return /** @type {never} */ (kind === 1 ? all.toReversed() : all);
}

/** Those of users alone. @param {number} kind */
export function ofUsers(kind) {
  return definitions(kind).filter(({ per }) => per === "user");
}
