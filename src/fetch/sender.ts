/** The requests to one set of limits: takes for them, sends them, and sends them again. */
import type { AcquireOptions, Acquisition } from "../contract.ts";
import { InvalidRequestError, LimitError } from "../errors.ts";
import { reasonOf } from "../platform/aborted.ts";
import { readAnswer } from "./answer.ts";
import { type Around, Call, type Part } from "./call.ts";
import { type RouteOptions, retryOf } from "./options.ts";
import type { Costs } from "./provider.ts";
import { refused } from "./refused.ts";
import { type Init, type Input, type ReadableRequest, requestIn } from "./request.ts";
import { asLast } from "./response.ts";
import { type AnyLimits, amountsOf, impossible, limitsOf } from "./set.ts";

/** A set that may have partitions, or live elsewhere. */
interface Partitioned extends AnyLimits {
  /** Its limits are known from then on. */
  readonly ready?: PromiseLike<unknown>;
  for?(names: Readonly<Record<string, string | null>>): AnyLimits;
}

/** The pause after a refusal that says no time; it doubles with each one that follows. */
const PAUSE_MS = 1000;
const LONGEST_GUESS_MS = 60_000;

/** The codes of requests that a bound refused. */
const BOUNDS: readonly string[] = ["ERR_ACQUIRE_TIMEOUT", "ERR_QUEUE_FULL", "ERR_WAIT_TOO_LONG"];

export class Sender {
  private readonly limits: Partitioned;
  private readonly options: RouteOptions;
  private readonly around: Around;
  /** How many refusals without a time came one after another. */
  private guesses = 0;

  constructor(limits: AnyLimits, options: RouteOptions, around: Around) {
    this.limits = limits;
    this.options = options;
    this.around = around;
  }

  async fetch(request: ReadableRequest, input: Input, init: Init): Promise<Response> {
    const { times, baseMs, maxMs } = retryOf(this.options.retry);
    await this.limits.ready;
    const part = this.partOf(request);
    const costs = (await this.options.provider?.cost?.(request)) ?? { call_count: 1 };
    const amounts = await this.amountsFor(part.set, costs, request);
    for (let retries = 0; ; retries++) {
      const isLast = retries >= times || !request.isRepeatable;
      const acquisition = await this.take(part.set, request, amounts).catch((error) => {
        return this.refuse(part.set, amounts, error);
      });
      if (acquisition instanceof Response) return acquisition;
      const call = new Call(part, acquisition, costs, request, this.options, this.around);
      const answer = await this.attempt(call, input, init, isLast);
      if (answer !== undefined) return answer;
      // A set that is paused lets the next attempt wait.
      if (!call.isPaused)
        await this.sleep(Math.random() * Math.min(maxMs, baseMs * 2 ** retries), request.signal);
    }
  }

  /** Sends a request once. Resolves to the answer, or to undefined if the request is to be sent again. */
  private async attempt(
    call: Call,
    input: Input,
    init: Init,
    isLast: boolean,
  ): Promise<Response | undefined> {
    const { retry } = this.options;
    let response: Response;
    try {
      // A request with a body can be sent once: the first attempts send copies.
      const request = isLast ? undefined : requestIn(input);
      response = await this.around.send(request ? request.clone() : input, init);
    } catch (error) {
      call.settle();
      if (isLast || call.signal?.aborted) throw error;
      return undefined;
    }
    const { reading, isRefusal, mayRetry } = await readAnswer(
      response,
      this.options.provider,
      this.around.clock,
    );
    const pauseMs = reading.pauseMs ?? (isRefusal ? this.guess(response.status) : 0);
    if (response.ok) this.guesses = 0;
    const heard = call.hear({ ...reading, pauseMs });
    // Not awaited otherwise: a set that lives elsewhere would delay the body.
    if (call.isPaused) await heard;
    if (mayRetry && !isLast) {
      call.settle();
      response.body?.cancel().catch(() => {});
      return undefined;
    }
    const held = call.hold(response);
    return mayRetry && retry ? asLast(held) : held;
  }

  /** The pause after a refusal that says no time: none after a 503, which may be that of one page. */
  private guess(status: number): number {
    return status === 503 ? 0 : Math.min(LONGEST_GUESS_MS, PAUSE_MS * 2 ** this.guesses++);
  }

  private partOf(request: ReadableRequest): Part {
    const { limits: whole } = this;
    const names = this.options.for?.(request);
    if (names === undefined) return { set: whole, whole, name: "" };
    if (whole.for === undefined)
      throw new InvalidRequestError("this set has no partitions: leave out the option `for`");
    return { set: whole.for(names), whole, name: JSON.stringify(Object.entries(names).sort()) };
  }

  private async amountsFor(
    set: AnyLimits,
    costs: Costs,
    request: ReadableRequest,
  ): Promise<Record<string, number>> {
    const { provider, metrics = {}, cost } = this.options;
    const known = provider ? amountsOf(limitsOf(set), costs, metrics) : {};
    return { ...known, ...((await cost?.(request)) as Costs | undefined) };
  }

  private async take(
    set: AnyLimits,
    request: ReadableRequest,
    amounts: Record<string, number>,
  ): Promise<Acquisition<string>> {
    const { timeoutMs, maxWaitMs, priority, onWait } = this.options;
    if (onWait) {
      const tried = await set.tryAcquire(amounts);
      if (tried.successful) return tried;
      const { retryAfterMs, limitedBy, ahead } = tried;
      onWait({ request, retryAfterMs, limitedBy, ahead });
    }
    const options: AcquireOptions = {
      signal: request.signal,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(maxWaitMs !== undefined && { maxWaitMs }),
      ...(priority !== undefined && {
        priority: typeof priority === "function" ? priority(request) : priority,
      }),
    };
    return set.acquire(amounts, options);
  }

  /** The answer in place of a request that could never pass, or that a bound refused. Throws other errors. */
  private refuse(set: AnyLimits, amounts: Record<string, number>, error: unknown): Response {
    if (this.options.refused !== "throw" && error instanceof LimitError) {
      if (BOUNDS.includes(error.code)) return refused(error);
      const keys = error instanceof InvalidRequestError ? impossible(limitsOf(set), amounts) : [];
      if (keys.length > 0) return refused(error, keys);
    }
    throw error;
  }

  private sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.around;
    return new Promise((resolve, reject) => {
      const aborted = () => {
        clock.clearTimeout(timer);
        reject(reasonOf(signal!));
      };
      const timer = clock.setTimeout(() => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      }, ms);
      if (signal?.aborted) aborted();
      else signal?.addEventListener("abort", aborted, { once: true });
    });
  }
}
