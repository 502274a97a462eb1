// The limits of all tabs together. See README.md.
import { CallLimit, LimitSet, RateLimitAlgorithm, ResourceLimit } from "limitset";

/** What the server allows. */
export const ALLOWED = { calls: 5, windowMs: 1000, connections: 2 };

/**
 * The window is a little longer than the server's: of two calls that begin a second apart, the first may take longer to arrive than the
 * second. `marginMs` is the difference that is allowed for.
 * @param {number} marginMs
 */
export function limitsFor(marginMs) {
  const { calls, windowMs, connections } = ALLOWED;
  return new LimitSet({
    limits: [
      new CallLimit({
        capacity: calls,
        windowMs: windowMs + marginMs,
        algorithm: RateLimitAlgorithm.SlidingWindow,
      }),
      new ResourceLimit({ key: "connections", capacity: connections }),
    ],
  });
}
