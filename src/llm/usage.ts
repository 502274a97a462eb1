/** Usage of tokens, as metrics. */
import type { BodyCourse, Costs, FetchAnswer, Reading, ServerLimit } from "../fetch/provider.ts";
import { numberOf } from "../fetch/times.ts";

/** A count of a usage object; undefined where it is none. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : undefined;
}

/**
 * The usage of a request. A stream that was broken off before its usage is charged its input as reserved, and of its output as much as
 * its events have had by estimate, but no more than was reserved.
 */
export function usageOf(
  input: number | undefined,
  output: number | undefined,
  { complete, streamed, cost }: BodyCourse,
): Reading | undefined {
  const { input_tokens: reservedInput = 0, output_tokens: reservedOutput = 0 } = cost;
  let made = output;
  if (streamed !== undefined && (!complete || output === undefined)) {
    made = Math.max(output ?? 0, Math.min(streamed, reservedOutput));
  }
  if (made === undefined) return undefined;
  const read = input ?? reservedInput;
  return { used: { input_tokens: read, output_tokens: made, tokens: read + made } };
}

const NO_TOKENS: Costs = { input_tokens: 0, output_tokens: 0, tokens: 0 };

/** An answer that is an error of the request, or of too much load, has used no tokens. After other errors it is not known. */
export function usageOfErrors({ status }: FetchAnswer): Costs | undefined {
  return (status >= 400 && status < 500) || status === 503 || status === 529 ? NO_TOKENS : undefined;
}

/** What headers of a vendor say of a limit: `nameOf` makes their names of "limit" and "remaining". */
export function limitIn(
  { headers }: FetchAnswer,
  metric: string,
  windowMs: number,
  nameOf: (part: "limit" | "remaining") => string,
): ServerLimit {
  const [capacity, left] = (["limit", "remaining"] as const).map((part) =>
    numberOf(headers.get(nameOf(part))),
  );
  return { metric, windowMs, capacity, left };
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
