/** OpenAI, and the APIs that speak as it does. */
import type { FetchAnswer, FetchRequest, Provider, Reading } from "../fetch/provider.ts";
import { checkProvider, costOf, costs, type EstimateOptions } from "./estimate.ts";
import { countOf, limitIn, parsed, usageOf, usageOfErrors } from "./usage.ts";

type Body = Readonly<Record<string, unknown>>;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The errors of accounts without money: no waiting heals them. */
const FINAL: readonly unknown[] = ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"];

function providerOf(name: string, options: EstimateOptions, callsWindowMs = MINUTE_MS): Provider {
  checkProvider(name, options);
  const { windowMs = MINUTE_MS } = options;
  return {
    name,
    cost: (request) =>
      isPaid(request) ? costOf(request, options, (body) => outputsOf(request, body)) : costs(0, 0),
    head: (answer) => ({
      used: usageOfErrors(answer),
      limits: [
        limitIn(
          answer,
          "call_count",
          options.windowMs ?? callsWindowMs,
          (part) => `x-ratelimit-${part}-requests`,
        ),
        limitIn(answer, "tokens", windowMs, (part) => `x-ratelimit-${part}-tokens`),
      ],
    }),
    refusal,
    bodyKey: "usage",
    body(value, course) {
      const input = countOf(value?.["prompt_tokens"] ?? value?.["input_tokens"]);
      const output = value?.["completion_tokens"] ?? value?.["output_tokens"];
      // Embeddings have no output.
      return usageOf(input, countOf(output ?? (input === undefined ? undefined : 0)), course);
    },
  };
}

/** Whether a request counts tokens: those that read lists, or send files, do not. */
function isPaid({ method, url }: FetchRequest): boolean {
  return (
    method === "POST" && /\/(?:completions|responses|embeddings|moderations|speech)\/?$/.test(url.pathname)
  );
}

/** How many output tokens a request allows; undefined if it does not say. */
function outputsOf({ url }: FetchRequest, body: Body): number | undefined {
  if (!/\/(?:completions|responses)\/?$/.test(url.pathname)) return 0;
  const most = countOf(body["max_completion_tokens"] ?? body["max_output_tokens"] ?? body["max_tokens"]);
  return most === undefined ? undefined : most * (countOf(body["best_of"] ?? body["n"]) ?? 1);
}

function refusal(text: string, _: FetchAnswer): Reading | undefined {
  const { error } = (parsed(text) ?? {}) as {
    readonly error?: { readonly code?: unknown; readonly type?: unknown };
  };
  return FINAL.includes(error?.code) || FINAL.includes(error?.type) ? { final: true } : undefined;
}

/**
 * OpenAI. Input is estimated from the length of the request, output is `max_completion_tokens`, `max_output_tokens` or `max_tokens`. A
 * streamed chat says its usage only with `stream_options: { include_usage: true }`; without it, its output is charged by estimate.
 * An account without money (`insufficient_quota`) pauses nothing.
 *
 * @param options How amounts are estimated.
 * @throws {InvalidRequestError} for an option that is not known, and a value that makes no sense.
 * @example
 * const limits = new LimitSet({
 *   limits: [
 *     new CallLimit({ capacity: 500, windowMs: 60_000 }),
 *     new RateLimit({ key: "tokens", capacity: 200_000, windowMs: 60_000 }),
 *   ],
 * });
 * const fetch = limitFetch(limits, openai());
 * typeof fetch; // "function"
 */
export function openai(options: EstimateOptions = {}): Provider {
  return providerOf("openai", options);
}

/**
 * OpenAI's models on Azure. Azure counts a request when it arrives, by the estimate: what was reserved and is not used is not given back.
 *
 * @param options How amounts are estimated.
 * @throws {InvalidRequestError} for an option that is not known, and a value that makes no sense.
 * @example
 * azureOpenai().name; // "azure-openai"
 */
export function azureOpenai(options: EstimateOptions = {}): Provider {
  const { body, ...provider } = providerOf("azure-openai", options);
  return {
    ...provider,
    body(value, course) {
      const { used = {} } = body!(value, course) ?? {};
      const { cost } = course;
      const counted = Object.keys(used).map((metric) => [metric, Math.max(used[metric]!, cost[metric] ?? 0)]);
      return { used: Object.fromEntries(counted) };
    },
  };
}

/**
 * Groq, which speaks as OpenAI does. Its headers say the calls that are left today, and the tokens that are left in this minute.
 *
 * @param options How amounts are estimated.
 * @throws {InvalidRequestError} for an option that is not known, and a value that makes no sense.
 * @example
 * groq().name; // "groq"
 */
export function groq(options: EstimateOptions = {}): Provider {
  return providerOf("groq", options, DAY_MS);
}
