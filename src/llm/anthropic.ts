/** Anthropic. */
import type { Provider } from "../fetch/provider.ts";
import { checkProvider, costOf, costs, type EstimateOptions } from "./estimate.ts";
import { countOf, limitIn, usageOf, usageOfErrors } from "./usage.ts";

/** The options of `anthropic`. */
export interface AnthropicOptions extends EstimateOptions {
  /** Whether input that was read from the cache counts: it does for some older models only. Default: false. */
  readonly cacheReads?: boolean | undefined;
}

const MINUTE_MS = 60_000;

const METRICS = {
  call_count: "requests",
  tokens: "tokens",
  input_tokens: "input-tokens",
  output_tokens: "output-tokens",
};

/**
 * Anthropic. Input is estimated from the length of the request, output is `max_tokens`. Input that is read from the cache does not
 * count, unless `cacheReads` says so.
 *
 * @param options How amounts are estimated.
 * @throws {InvalidRequestError} for an option that is not known, and a value that makes no sense.
 * @example
 * const limits = new LimitSet({
 *   limits: [
 *     new CallLimit({ capacity: 50, windowMs: 60_000 }),
 *     new RateLimit({ key: "input_tokens", capacity: 30_000, windowMs: 60_000 }),
 *     new RateLimit({ key: "output_tokens", capacity: 8000, windowMs: 60_000 }),
 *   ],
 * });
 * const fetch = limitFetch(limits, anthropic());
 * typeof fetch; // "function"
 */
export function anthropic(options: AnthropicOptions = {}): Provider {
  checkProvider("anthropic", options, ["cacheReads"]);
  const { windowMs = MINUTE_MS, cacheReads = false } = options;
  return {
    name: "anthropic",
    cost: (request) =>
      request.method === "POST" && /\/(?:messages|complete)\/?$/.test(request.url.pathname)
        ? costOf(request, options, (body) => countOf(body["max_tokens"] ?? body["max_tokens_to_sample"]))
        : costs(0, 0),
    head: (answer) => ({
      used: usageOfErrors(answer),
      limits: Object.entries(METRICS).map(([metric, name]) =>
        limitIn(answer, metric, windowMs, (part) => `anthropic-ratelimit-${name}-${part}`),
      ),
    }),
    bodyKey: "usage",
    body(value, course) {
      const read = countOf(value?.["input_tokens"]);
      const more = [
        value?.["cache_creation_input_tokens"],
        cacheReads ? value?.["cache_read_input_tokens"] : 0,
      ];
      const input = more.reduce<number>((sum, each) => sum + (countOf(each) ?? 0), read ?? 0);
      return usageOf(read === undefined ? undefined : input, countOf(value?.["output_tokens"]), course);
    },
  };
}
