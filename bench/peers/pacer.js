/** Limits of `@tanstack/pacer`. */
import { RateLimiter } from "@tanstack/pacer";
import { PLENTY } from "../sets.js";

/**
 * A limiter of `pacer` keeps the times of all calls of the window, and goes through them at each call: the more calls, the slower.
 * So the window is a millisecond by default, and few calls fit in.
 * @param {"fixed" | "sliding"} windowType @param {number} [limit] @param {number} [window]
 */
export function pacer(windowType, limit = PLENTY, window = 1) {
  let runs = 0;
  const limiter = new RateLimiter(() => runs++, { limit, window, windowType });
  return (/** @type {number} */ n) => {
    let granted = 0;
    for (let i = 0; i < n; i++) if (limiter.maybeExecute()) granted++;
    return granted;
  };
}
