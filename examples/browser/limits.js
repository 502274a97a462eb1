// What the server enforces, and what the page keeps to. See README.md.
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { allowanceFor } from "./allowance.js";

/** How many tokens a call reserves. What it used is known only afterwards. */
export const RESERVED = 100;

/**
 * What the page allows its workers. The rates are the server's; bursts are kept to a quarter of a second, so that calls which meet on
 * their way do not make more of a second than it holds. One connection is left: the call of a worker that is killed is over here
 * at once, and there a moment later.
 * @param {number} calls a second
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
