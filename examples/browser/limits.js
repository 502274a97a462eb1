// The limits that the page keeps to, derived from those that the server enforces. See README.md.
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { allowanceFor } from "./allowance.js";

/** How many tokens a call reserves. Its real usage is known only afterwards. */
export const RESERVED = 100;

/**
 * The limits of the page's workers. The rates are the server's. Bursts last a quarter of a second at most: calls that are delayed on
 * the way may arrive together, and must not exceed the server's second. One connection is left over, since the call of a killed worker
 * ends here at once, and at the server a moment later.
 * @param {number} calls per second
 */
export function limitsFor(calls) {
  const { tokens, connections } = allowanceFor(calls);
  return new LimitSet({
    limits: [
      new CallLimit({ capacity: calls / 4, windowMs: 250 }),
      new RateLimit({ key: "tokens", capacity: tokens / 4, windowMs: 250 }),
      new ResourceLimit({ key: "connections", capacity: connections - 1 }),
    ],
  });
}
