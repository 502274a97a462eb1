/** What the sections share: sizes at which all is granted or all refused, and loops that take from sets. */
import { LimitSet, RateLimit, RateLimitAlgorithm } from "limitset";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** More than a bench can take, an hour: none is refused, and the refill does not keep up, so none is full again. */
export const PLENTY = 1e9;

/** Taken at the start; a day gives it back so slowly that a bench sees refusals only. */
export const SCARCE = 100;

/** @typedef {ConstructorParameters<typeof RateLimit>[0]} RateLimitOptions */

/** A set of one rate limit, key `tokens`. @param {Partial<RateLimitOptions>} [limit] */
export function tokens(limit) {
  return new LimitSet({
    limits: [new RateLimit({ capacity: PLENTY, windowMs: HOUR_MS, ...limit, key: "tokens" })],
  });
}

/** Takes a token each time, and gives back nothing. @param {{ tryAcquire(requested: object): { successful: boolean } }} limits */
export function takeTokens(limits) {
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (limits.tryAcquire({ tokens: 1 }).successful) granted++;
    return granted;
  };
}

const TURNS = 32;

/** One leaky bucket would grant once a microsecond. Of many in turn, each has leaked when its next turn comes. */
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

/** Takes what a set takes unasked. @param {{ tryAcquire(): { successful: boolean } }} limits */
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
