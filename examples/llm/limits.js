import { CallLimit, RateLimit, RateLimitAlgorithm, ResourceLimit } from "limitset";

/**
 * The limits of the client's set.
 * @param {import("./api-limits.js").ApiLimits} allowed what the client keeps to
 */
export const limitsFor = ({ calls, inputTokens, outputTokens, connections }) => [
  new CallLimit({ ...calls, algorithm: RateLimitAlgorithm.GCRA }),
  new RateLimit({ key: "input_tokens", ...inputTokens }),
  new RateLimit({ key: "output_tokens", ...outputTokens }),
  new ResourceLimit({ key: "connections", capacity: connections }),
];
