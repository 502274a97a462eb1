/** What the sections share: sizes at which all is granted or all refused, floors, loops, and the limits of `limiter`. */
import { RateLimiter, TokenBucket } from "limiter";
import { LimitSet, RateLimit, RateLimitAlgorithm } from "limitset";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** More than a bench can take, an hour: none is refused, and the refill does not keep up, so none is full again. */
export const PLENTY = 1e9;

/** Taken at the start; a day gives it back so slowly that a bench sees refusals only. */
export const SCARCE = 100;

/** The floor: what a token bucket costs at the very least. */
export class ThreeLineBucket {
  last = performance.now();

  /** @param {number} capacity @param {number} windowMs */
  constructor(capacity, windowMs) {
    this.capacity = capacity;
    this.rate = capacity / windowMs;
    this.level = capacity;
  }

  /** @param {number} amount */
  take(amount) {
    const now = performance.now();
    const level = Math.min(this.capacity, this.level + (now - this.last) * this.rate);
    this.last = now;
    this.level = level < amount ? level : level - amount;
    return level >= amount;
  }
}

/** @param {number} [capacity] @param {number} [windowMs] */
export function limiterBucket(capacity = PLENTY, windowMs = HOUR_MS) {
  return filled(new TokenBucket({ bucketSize: capacity, tokensPerInterval: capacity, interval: windowMs }));
}

/** Two limits of `limiter`: a bucket inside a bucket. */
export function limiterFamily() {
  const options = { bucketSize: PLENTY, tokensPerInterval: PLENTY, interval: HOUR_MS };
  return filled(new TokenBucket({ ...options, parentBucket: filled(new TokenBucket(options)) }));
}

/** @param {number} [capacity] @param {number} [windowMs] */
export function limiterRate(capacity = PLENTY, windowMs = HOUR_MS) {
  return new RateLimiter({ tokensPerInterval: capacity, interval: windowMs });
}

/** It starts empty. @param {TokenBucket} bucket */
function filled(bucket) {
  bucket.content = bucket.bucketSize;
  return bucket;
}

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

/** Takes from a bucket of `limiter`. @param {{ tryRemoveTokens(count: number): boolean }} bucket */
export function remove(bucket) {
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (bucket.tryRemoveTokens(1)) granted++;
    return granted;
  };
}

/** @param {ThreeLineBucket} bucket */
export function take(bucket) {
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (bucket.take(1)) granted++;
    return granted;
  };
}
