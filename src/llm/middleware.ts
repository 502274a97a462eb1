/** A middleware for the AI SDK: models whose calls keep to a set. */
import type { AcquireOptions, Acquisition, Limits } from "../contract.ts";
import { watched } from "../exchange/body.ts";
import { type AnyLimits, amountsOf, limitsOf } from "../exchange/set.ts";
import { settle } from "../exchange/settle.ts";
import { checkLimits, isRenamed } from "../fetch/options.ts";
import type { Costs } from "../fetch/provider.ts";
import { checkOptions, checksOf, invalidRequest, isTime } from "../limits/known-options.ts";
import { systemClock } from "../platform/clock.ts";
import { checkEstimates, costs, type EstimateOptions, tokensOf } from "./estimate.ts";
import { countOf } from "./usage.ts";

/** The options of `limitModel`. */
export interface LimitModelOptions<M extends string = string> extends EstimateOptions {
  /** The set's names for `call_count`, `input_tokens`, `output_tokens` and `tokens`. Default: the same names. */
  readonly metrics?: Readonly<Record<string, M>> | undefined;
  /** The longest wait of a call for its turn, in milliseconds. Default: no end. */
  readonly timeoutMs?: number | undefined;
  /** The longest wait that is worth to begin, in milliseconds. Default: no end. */
  readonly maxWaitMs?: number | undefined;
  /** The priority of the calls, higher first. Default: 0. */
  readonly priority?: number | undefined;
}

/** The parameters of a call, as far as they are read. */
interface CallParams {
  readonly prompt?: unknown;
  readonly tools?: unknown;
  readonly values?: unknown;
  readonly maxOutputTokens?: unknown;
  readonly abortSignal?: AbortSignal | undefined;
}

/**
 * A middleware of the AI SDK, for language models and for models of embeddings.
 *
 * @example
 * const middleware: ModelMiddleware = limitModel(new LimitSet());
 * middleware.specificationVersion; // "v3"
 */
export interface ModelMiddleware {
  /** The version of the interface, which later versions of the SDK take too. */
  readonly specificationVersion: "v3";
  /** Makes an answer in one piece. */
  wrapGenerate<T>(call: { readonly doGenerate: () => PromiseLike<T>; readonly params: object }): Promise<T>;
  /** Makes an answer as a stream. */
  wrapStream<T>(call: { readonly doStream: () => PromiseLike<T>; readonly params: object }): Promise<T>;
  /** Makes embeddings. */
  wrapEmbed<T>(call: { readonly doEmbed: () => PromiseLike<T>; readonly params: object }): Promise<T>;
}

/** How long a stream may be left unread before it is cancelled. */
const UNREAD_MS = 60_000;

/**
 * Makes a middleware for the AI SDK (`ai`), versions 6 and 7. Each call of a model takes 1 of `call_count` and the tokens that it may
 * use, holds resources until its answer or its stream has ended, and then settles what it has used. It hears no headers: with
 * `limitFetch` as the `fetch` of the SDK's provider, a set obeys the server too. Use one of both.
 *
 * A request that a bound refuses rejects with its `LimitError`, which the SDK does not try again.
 *
 * @param limits The set: a `LimitSet`, or one that lives elsewhere.
 * @param options How amounts are estimated, and how calls wait.
 * @throws {InvalidRequestError} for an option that is not known, a value that makes no sense, and limits that are no set.
 * @example
 * const limits = new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 200_000, windowMs: 60_000 })] });
 * const middleware = limitModel(limits); // wrapLanguageModel({ model, middleware })
 * typeof middleware.wrapGenerate; // "function"
 */
export function limitModel<M extends string, K extends string>(
  limits: Limits<M, K>,
  options: LimitModelOptions<M> = {},
): ModelMiddleware {
  checkOptions("limitModel", options, OPTIONS, invalidRequest);
  checkEstimates(options as LimitModelOptions);
  checkWaits(options);
  checkLimits(limits);
  const taking = new Taking(limits as never, options as LimitModelOptions);
  return {
    specificationVersion: "v3",
    async wrapGenerate({ doGenerate, params }) {
      const { prompt, tools, maxOutputTokens } = params as CallParams;
      const taken = await taking.take(params, { prompt, tools }, maxOutputTokens);
      return taken.during(doGenerate, (answer) =>
        taken.settle(tokensIn((answer as Answer | undefined)?.usage)),
      );
    },
    async wrapStream({ doStream, params }) {
      const { prompt, tools, maxOutputTokens } = params as CallParams;
      const taken = await taking.take(params, { prompt, tools }, maxOutputTokens);
      const answer = await taken.during(doStream, () => {});
      return { ...answer, stream: taken.through((answer as Streamed).stream) };
    },
    async wrapEmbed({ doEmbed, params }) {
      const taken = await taking.take(params, (params as CallParams).values, 0);
      return taken.during(doEmbed, (answer) => {
        const input = countOf(
          (answer as { readonly usage?: { readonly tokens?: unknown } } | undefined)?.usage?.tokens,
        );
        taken.settle(input === undefined ? undefined : [input, 0]);
      });
    },
  };
}

function checkWaits(options: object): void {
  const check = checksOf(options, invalidRequest);
  for (const name of ["timeoutMs", "maxWaitMs"]) check(name, isTime, "a number of milliseconds, 0 or more");
  check("priority", (value) => Number.isFinite(value), "a finite number");
  check("metrics", isRenamed, "an object: names of the set, by those of a provider");
}

const OPTIONS = ["countTokens", "outputTokens", "windowMs", "metrics", "timeoutMs", "maxWaitMs", "priority"];

interface Answer {
  readonly usage?: Usage;
}

interface Usage {
  readonly inputTokens?: unknown;
  readonly outputTokens?: unknown;
}

interface Streamed {
  readonly stream: ReadableStream<StreamPart>;
}

interface StreamPart {
  readonly type?: string;
  readonly usage?: Usage;
  readonly delta?: unknown;
}

/** Input and output tokens. */
type Tokens = readonly [input: number, output: number];

/** The tokens of a usage object: in earlier versions its parts are numbers. */
function tokensIn(usage: Usage | undefined): Tokens | undefined {
  const [input, output] = [usage?.inputTokens, usage?.outputTokens].map((part) =>
    countOf((part as { readonly total?: unknown } | undefined)?.total ?? part),
  );
  return input === undefined || output === undefined ? undefined : [input, output];
}

class Taking {
  private readonly set: AnyLimits;
  private readonly options: LimitModelOptions;

  constructor(set: AnyLimits, options: LimitModelOptions) {
    this.set = set;
    this.options = options;
  }

  async take(params: CallParams, input: unknown, output: unknown): Promise<Taken> {
    const { set, options } = this;
    const { timeoutMs, maxWaitMs, priority, metrics = {}, outputTokens = 1024 } = options;
    const cost = costs(tokensOf(textOf(input), options), countOf(output) ?? outputTokens);
    const wait: AcquireOptions = { timeoutMs, maxWaitMs, priority, signal: params.abortSignal };
    const acquisition = await set.acquire(amountsOf(limitsOf(set), cost, metrics), wait);
    return new Taken(set, acquisition, cost, metrics);
  }
}

/** What a prompt says, as text. Data in it, such as pictures, is text that counts as data does. */
function textOf(input: unknown): string {
  const text = JSON.stringify(input, (_, value) =>
    ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? "A".repeat(1000) : value,
  );
  return text ?? "";
}

class Taken {
  private readonly set: AnyLimits;
  private readonly acquisition: Acquisition<string>;
  private readonly cost: Costs;
  private readonly metrics: Readonly<Record<string, string>>;

  constructor(
    set: AnyLimits,
    acquisition: Acquisition<string>,
    cost: Costs,
    metrics: Readonly<Record<string, string>>,
  ) {
    this.set = set;
    this.acquisition = acquisition;
    this.cost = cost;
    this.metrics = metrics;
  }

  /** Settles what was used; without usage, what was reserved is charged. */
  settle(tokens?: Tokens): void {
    const used = tokens ? costs(...tokens) : {};
    const named = Object.entries(used).map(([name, amount]) => [this.metrics[name] ?? name, amount]);
    settle(this.set, this.acquisition, Object.fromEntries(named));
  }

  /** Calls a model. What it took is charged in full if that fails. */
  async during<T>(call: () => PromiseLike<T>, done: (answer: T) => void): Promise<T> {
    try {
      const answer = await call();
      done(answer);
      return answer;
    } catch (error) {
      this.settle();
      throw error;
    }
  }

  /** A stream of parts, which settles at its end. One that breaks off is charged the output that it has had, by estimate. */
  through(stream: ReadableStream<StreamPart>): ReadableStream<StreamPart> {
    let [bytes, usage] = [0, undefined as Tokens | undefined];
    const { input_tokens: input = 0, output_tokens: output = 0 } = this.cost;
    return watched(stream, {
      chunk(part) {
        if (part.type === "finish") usage = tokensIn(part.usage);
        else if (typeof part.delta === "string") bytes += part.delta.length;
      },
      end: (how) =>
        this.settle(
          usage ?? (how === "complete" ? undefined : [input, Math.min(output, Math.ceil(bytes / 4))]),
        ),
      unreadMs: UNREAD_MS,
      clock: systemClock,
      unread: () => new Error(`the stream of a model was not read for ${UNREAD_MS} ms`),
    });
  }
}
