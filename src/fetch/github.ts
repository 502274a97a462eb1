/** GitHub. */
import type { Provider } from "./provider.ts";
import { numberOf, untilOf } from "./times.ts";

const MINUTE_MS = 60_000;

/**
 * GitHub's REST and GraphQL APIs. Each request costs 1 of `call_count`. What an answer says is left concerns the limit whose
 * key is its `x-ratelimit-resource`, such as `"search"`, if the set has one. A refusal without a time pauses for a minute, as
 * GitHub asks.
 *
 * @example
 * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 5000, windowMs: 3_600_000 })] });
 * const fetch = limitFetch(limits, githubApi());
 * typeof fetch; // "function"
 */
export function githubApi(): Provider {
  return {
    name: "github",
    head({ headers }, now) {
      const left = numberOf(headers.get("x-ratelimit-remaining"));
      const capacity = numberOf(headers.get("x-ratelimit-limit"));
      const resource = headers.get("x-ratelimit-resource") ?? "core";
      const resetMs = untilOf(headers.get("x-ratelimit-reset"), headers, now);
      return {
        limits: [
          { metric: "call_count", name: resource, left, capacity, pauseMs: left === 0 ? resetMs : undefined },
        ],
      };
    },
    refusal(text, { headers }, now) {
      if (!/rate limit|abuse/i.test(text)) return undefined;
      const isUsedUp = numberOf(headers.get("x-ratelimit-remaining")) === 0;
      const resetMs = isUsedUp ? untilOf(headers.get("x-ratelimit-reset"), headers, now) : undefined;
      return { pauseMs: resetMs ?? MINUTE_MS };
    },
  };
}
