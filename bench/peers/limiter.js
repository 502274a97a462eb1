/** Limits of `limiter`, of the same sizes as those of limitset. */
import { RateLimiter, TokenBucket } from "limiter";
import { HOUR_MS, PLENTY } from "../sets.js";

/** @param {number} [capacity] @param {number} [windowMs] */
export function limiterBucket(capacity = PLENTY, windowMs = HOUR_MS) {
  return filled(new TokenBucket({ bucketSize: capacity, tokensPerInterval: capacity, interval: windowMs }));
}

/** Several limits of `limiter`: each bucket is the parent of the next. @param {number} limits */
export function limiterFamily(limits) {
  const options = { bucketSize: PLENTY, tokensPerInterval: PLENTY, interval: HOUR_MS };
  let bucket = limiterBucket();
  for (let i = 1; i < limits; i++) bucket = filled(new TokenBucket({ ...options, parentBucket: bucket }));
  return bucket;
}

/** @param {number} [capacity] @param {number} [windowMs] */
export function limiterRate(capacity = PLENTY, windowMs = HOUR_MS) {
  return new RateLimiter({ tokensPerInterval: capacity, interval: windowMs });
}

/** Fills a bucket, which starts empty. @param {TokenBucket} bucket */
function filled(bucket) {
  bucket.content = bucket.bucketSize;
  return bucket;
}

/** Takes from a bucket of `limiter`. @param {{ tryRemoveTokens(count: number): boolean }} bucket */
export function remove(bucket) {
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (bucket.tryRemoveTokens(1)) granted++;
    return granted;
  };
}
