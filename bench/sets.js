/** Shared by the sections: capacities at which all or nothing is granted, and loops that take from sets. */
import { LimitSet, RateLimit, RateLimitAlgorithm } from "limitset";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** A capacity for an hour that no bench uses up: nothing is refused. The refill is slower than the bench, so no bucket is full again. */
export const PLENTY = 1e9;

/** A capacity for a day that is used up at the start, and refilled so slowly that a bench sees refusals only. */
export const SCARCE = 100;

/** @typedef {import("limitset").RateFields<"tokens"> & { windowMs: number }} RateLimitOptions */

/** A set of one rate limit, key `tokens`. @param {Partial<RateLimitOptions>} [limit] */
export function tokens(limit) {
  return new LimitSet({
    limits: [new RateLimit({ capacity: PLENTY, windowMs: HOUR_MS, ...limit, key: "tokens" })],
  });
}

/** Takes a token each time, and releases nothing. @param {{ tryAcquire(requested: object): { successful: boolean } }} limits */
export function takeTokens(limits) {
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (limits.tryAcquire({ tokens: 1 }).successful) granted++;
    return granted;
  };
}

const TURNS = 32;

/** Takes from many leaky buckets in turn. One would grant once a microsecond; of many, each has leaked when its next turn comes. */
export function takeLeaked() {
  const algorithm = RateLimitAlgorithm.LeakyBucket;
  const sets = Array.from({ length: TURNS }, () => tokens({ windowMs: 1, algorithm }));
  let turn = 0;
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (sets[turn++ % TURNS]?.tryAcquire({ tokens: 1 }).successful) granted++;
    return granted;
  };
}

/** Takes the automatic amounts of a set. @param {{ tryAcquire(): { successful: boolean } }} limits */
export function takeUnasked(limits) {
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (limits.tryAcquire().successful) granted++;
    return granted;
  };
}

/** Counts refusals where `run` counts grants. @param {(n: number) => number} run */
export function refusals(run) {
  return (/** @type {number} */ n) => n - run(n);
}
