/** Limits of `effect`: its limiter with the store in memory. */
import { Effect, Layer } from "effect";
import { RateLimiter } from "effect/persistence";
import { HOUR_MS, PLENTY } from "../sets.js";

const limiter = Effect.runSync(
  RateLimiter.RateLimiter.pipe(
    Effect.provide(RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory))),
  ),
);
let keys = 0;

/** @param {"token-bucket" | "fixed-window"} algorithm @param {number} [limit] @param {number} [window] */
export function effectLimit(algorithm, limit = PLENTY, window = HOUR_MS) {
  return limiter.consume({ key: `${keys++}`, algorithm, limit, window });
}

/** @param {ReturnType<typeof effectLimit>} limit */
export function consumeEffect(limit) {
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (Effect.runSync(limit).remaining >= 0) granted++;
    return granted;
  };
}

/** Takes from a limit that may refuse. The error is a value, and is not thrown. @param {ReturnType<typeof effectLimit>} limit */
export function tryEffect(limit) {
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (Effect.runSyncExit(limit)._tag === "Success") granted++;
    return granted;
  };
}
