/** Limits of `@tanstack/pacer`. */
import { RateLimiter } from "@tanstack/pacer";
import { PLENTY } from "../sets.js";

/**
 * It keeps the time of each call of the window, and goes through them at each call: with a large window it slows down and
 * down. So a window of a millisecond, with what fits in there.
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
