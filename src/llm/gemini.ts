/** Gemini. */
import type { Provider, Reading } from "../fetch/provider.ts";
import { untilOf } from "../fetch/times.ts";
import { checkProvider, costOf, costs, type EstimateOptions } from "./estimate.ts";
import { countOf, parsed, usageOf, usageOfErrors } from "./usage.ts";

/** The parts of an error that are read. */
interface Failure {
  readonly error?: { readonly details?: readonly Detail[] };
}

interface Detail {
  readonly retryDelay?: unknown;
  readonly violations?: readonly { readonly quotaId?: unknown }[];
}

/**
 * Gemini. Input is estimated from the length of the request, output is `maxOutputTokens`, for each candidate. Refusals say in their
 * body when to come again; a quota of a day that is used up pauses nothing, and is not tried again.
 *
 * @param options How amounts are estimated.
 * @throws {InvalidRequestError} for an option that is not known, and a value that makes no sense.
 * @example
 * gemini({ outputTokens: 2000 }).name; // "gemini"
 */
export function gemini(options: EstimateOptions = {}): Provider {
  checkProvider("gemini", options);
  return {
    name: "gemini",
    cost(request) {
      const [, method] = /:(\w+)$/.exec(request.url.pathname) ?? [];
      if (method === undefined || method === "countTokens") return costs(0, 0);
      return costOf(request, options, (body) => (/embed/i.test(method) ? 0 : outputsOf(body)));
    },
    head: (answer) => ({ used: usageOfErrors(answer) }),
    refusal,
    bodyKey: "usageMetadata",
    body(value, course) {
      const [input, candidates, thoughts] = [
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
      ].map((name) => countOf(value?.[name]));
      const none = candidates === undefined && thoughts === undefined;
      const output = none && input === undefined ? undefined : (candidates ?? 0) + (thoughts ?? 0);
      return usageOf(input, output, course);
    },
  };
}

function outputsOf(body: Readonly<Record<string, unknown>>): number | undefined {
  const { maxOutputTokens, candidateCount } = (body["generationConfig"] ?? {}) as Readonly<
    Record<string, unknown>
  >;
  const most = countOf(maxOutputTokens);
  return most === undefined ? undefined : most * (countOf(candidateCount) ?? 1);
}

function refusal(text: string, { headers }: { readonly headers: Headers }, now: number): Reading | undefined {
  const answer = parsed(text);
  // A stream that is no stream of events begins an array.
  const { error } = ((Array.isArray(answer) ? answer[0] : answer) ?? {}) as Failure;
  const details = Array.isArray(error?.details) ? (error.details as (Detail | null)[]) : [];
  const violated = details.flatMap((detail) => (Array.isArray(detail?.violations) ? detail.violations : []));
  if (violated.some((each) => /PerDay/i.test(String(each?.quotaId)))) return { final: true };
  const delays = details.map((detail) => detail?.retryDelay).filter((delay) => typeof delay === "string");
  const pauseMs = untilOf(delays[0], headers, now);
  return pauseMs === undefined ? undefined : { pauseMs };
}
