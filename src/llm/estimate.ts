/** Amounts of tokens before the answer is there. */
import type { Costs, FetchRequest } from "../fetch/provider.ts";
import { checkOptions, checksOf, invalidRequest, isFunction } from "../limits/known-options.ts";

/** How amounts are estimated that only the answer says. */
export interface EstimateOptions {
  /**
   * Counts the tokens of a text: a tokenizer. It gets the body of the request, but for pictures and other long data.
   * Default: one token for 4 bytes of UTF-8.
   */
  readonly countTokens?: ((text: string) => number) | undefined;
  /** The output tokens to reserve for a request that sets no limit for them. Default: 1024. */
  readonly outputTokens?: number | undefined;
  /** The window of the API's limits, in milliseconds: what an answer says is left counts for limits of such windows. Default: 60,000. */
  readonly windowMs?: number | undefined;
}

const OPTIONS = ["countTokens", "outputTokens", "windowMs"];

/**
 * Checks the options of a provider, which may have `more` than the others.
 *
 * @throws {InvalidRequestError} for an option that is not known, and a value that makes no sense.
 */
export function checkProvider(name: string, options: EstimateOptions, more: readonly string[] = []): void {
  checkOptions(`${name}()`, options, [...OPTIONS, ...more], invalidRequest);
  checkEstimates(options);
}

/** Checks how amounts are estimated. */
export function checkEstimates(options: EstimateOptions): void {
  const check = checksOf(options, invalidRequest);
  const isAmount = (value: unknown): value is number => Number.isFinite(value);
  check("countTokens", isFunction, "a function");
  check("outputTokens", (value) => isAmount(value) && value >= 0, "a number, 0 or more");
  check("windowMs", (value) => isAmount(value) && value > 0, "a number above 0");
}

/** Data in base64, such as pictures and sounds: no words are so long. */
const DATA = /[A-Za-z0-9+/_-]{1000,}={0,2}/g;
/** What vendors count for a picture, at most or nearly so. */
const TOKENS_OF_DATA = 1600;
const BYTES_PER_TOKEN = 4;
const OUTPUT_TOKENS = 1024;

const encoder = /* @__PURE__ */ (() => new TextEncoder())();

/** The tokens of a text. */
export function tokensOf(text: string, { countTokens }: EstimateOptions): number {
  let data = 0;
  const words = text.replace(DATA, () => {
    data++;
    return "";
  });
  const tokens = countTokens?.(words) ?? encoder.encode(words).length / BYTES_PER_TOKEN;
  return Math.ceil(tokens) + data * TOKENS_OF_DATA;
}

/** The costs of a request: `outputs` finds how many output tokens its body allows, and 0 where it makes none. */
export async function costOf(
  request: FetchRequest,
  options: EstimateOptions,
  outputs: (body: Readonly<Record<string, unknown>>) => unknown,
): Promise<Costs> {
  const body = await request.json();
  if (typeof body !== "object" || body === null) return costs(0, 0);
  const output = outputs(body as Readonly<Record<string, unknown>>);
  const { outputTokens = OUTPUT_TOKENS } = options;
  return costs(
    tokensOf((await request.text()) ?? "", options),
    typeof output === "number" && output >= 0 ? Math.ceil(output) : outputTokens,
  );
}

export function costs(input: number, output: number): Costs {
  return { call_count: 1, input_tokens: input, output_tokens: output, tokens: input + output };
}
