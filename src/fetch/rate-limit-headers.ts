/** The headers of the IETF's drafts, in all their generations, and those with an `X-` before them. */

import { type Item, itemsOf } from "../exchange/structured.ts";
import type { Provider, ServerLimit } from "./provider.ts";
import { numberOf, untilOf } from "./times.ts";

/**
 * APIs that follow the IETF's drafts on rate limits: `RateLimit` and `RateLimit-Policy`, and the older `RateLimit-Limit`,
 * `RateLimit-Remaining` and `RateLimit-Reset`, also with an `X-`. A policy concerns the limit of the set that has its name as key, or its
 * window. A limit of which nothing is left is paused until the reset. Answers from a cache say nothing.
 *
 * @example
 * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 100, windowMs: 60_000 })] });
 * const fetch = limitFetch(limits, rateLimitHeaders());
 * typeof fetch; // "function"
 */
export function rateLimitHeaders(): Provider {
  return {
    name: "rate-limit-headers",
    head({ headers }, now) {
      // What a cache has kept was said to another request.
      if (numberOf(headers.get("age"))! > 0) return undefined;
      const limits = [...policies(headers), ...apart(headers, now, ""), ...apart(headers, now, "x-")];
      return { limits };
    },
  };
}

/** `RateLimit: "burst";r=50;t=30`, or `RateLimit: limit=100, remaining=50, reset=5`, with `RateLimit-Policy`. */
function policies(headers: Headers): ServerLimit[] {
  const text = headers.get("ratelimit") ?? "";
  if (/^\s*(?:limit|remaining|reset)=/.test(text)) {
    const { limit, remaining, reset } = Object.fromEntries(
      [...text.matchAll(/\b(limit|remaining|reset)=(\d{1,15})(?![\d.])/g)].map(([, name, value]) => [
        name,
        Number(value),
      ]),
    ) as Readonly<Record<string, number | undefined>>;
    return [limitOf("call_count", limit, undefined, remaining, reset)];
  }
  const policyOf = new Map(
    itemsOf(headers.get("ratelimit-policy")).map((item) => [keyOf(item), item.parameters]),
  );
  return itemsOf(text).flatMap((item) => {
    const { r, a, t, w } = item.parameters;
    const policy = policyOf.get(keyOf(item)) ?? {};
    const unit = policy["qu"] ?? "requests";
    if (unit === "concurrent-requests") return [];
    const metric = unit === "requests" ? "call_count" : String(unit);
    return [{ name: item.value, ...limitOf(metric, policy["q"], policy["w"], r ?? a, t ?? w) }];
  });
}

/** The name of a policy, and the partition that it is about. */
function keyOf({ value, parameters }: Item): string {
  return JSON.stringify([value, parameters["pk"]]);
}

/** `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`. */
function apart(headers: Headers, now: number, prefix: string): ServerLimit[] {
  const read = (name: string) => headers.get(`${prefix}ratelimit-${name}`);
  const limits = /^\s*(\d{1,15})\s*(?:$|[,;])/.exec(read("limit") ?? "");
  const window = /;\s*w=(\d{1,15})\s*(?:$|[,;])/.exec(read("limit") ?? "");
  const left = numberOf(read("remaining"));
  if (left === undefined && !limits) return [];
  const resetMs = untilOf(read("reset-after") ?? read("reset"), headers, now);
  const said = limitOf(
    "call_count",
    limits && Number(limits[1]),
    window && Number(window[1]),
    left,
    undefined,
  );
  return [{ ...said, pauseMs: left === 0 ? resetMs : undefined }];
}

function limitOf(
  metric: string,
  capacity: unknown,
  window: unknown,
  left: unknown,
  reset: unknown,
): ServerLimit {
  const [most, seconds, rest, until] = [capacity, window, left, reset].map((value) =>
    typeof value === "number" && value >= 0 ? value : undefined,
  );
  return {
    ...{ metric, capacity: most, windowMs: seconds && seconds * 1000, left: rest },
    pauseMs: rest === 0 && until !== undefined ? until * 1000 : undefined,
  };
}
