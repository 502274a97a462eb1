/** The requests to one set of limits: takes for them, sends them, and sends them again. */
import type { Acquisition, Limits } from "../contract.ts";
import { InvalidRequestError, LimitError } from "../errors.ts";
import { type AnyLimits, amountsOf, impossible, limitsOf } from "../exchange/set.ts";
import { reasonOf } from "../platform/aborted.ts";
import { readAnswer } from "./answer.ts";
import { type Around, beginCall, LONGEST_PAUSE_MS, type Part, type Taken } from "./call.ts";
import { Guesses } from "./guesses.ts";
import { type RouteOptions, retryOf } from "./options.ts";
import type { Costs } from "./provider.ts";
import { refused } from "./refused.ts";
import type { Init, Input, ReadableRequest } from "./request.ts";
import { asLast } from "./response.ts";

/** A set that may have partitions, or live elsewhere. */
interface Partitioned extends AnyLimits {
  /** Its limits are known from then on. */
  readonly ready?: PromiseLike<unknown>;
}

export type Send = (request: ReadableRequest, input: Input, init: Init) => Promise<Response>;

/** The codes of requests that a bound refused. */
const BOUND = /TIMEOUT|FULL|LONG$/;

export function sender(limits: Limits<never, never>, options: RouteOptions, around: Around): Send {
  const whole = limits as unknown as Partitioned;
  const { provider, metrics = {}, cost, timeoutMs, maxWaitMs, priority, onWait, retry } = options;
  const { maxPauseMs = LONGEST_PAUSE_MS } = options;
  const { times, baseMs, maxMs } = retryOf(retry);
  /** The partitions in which calls are in progress; one without calls takes no memory. */
  const parts = new Map<string, { calls: number; readonly taken: Taken }>();
  const guesses = new Guesses();

  const take = async (
    set: AnyLimits,
    request: ReadableRequest,
    amounts: Costs,
  ): Promise<Acquisition<string>> => {
    if (onWait) {
      const seen = set.peek(amounts);
      // Not awaited where the set is here: other requests would take meanwhile.
      const { successful, retryAfterMs, limitedBy, ahead } = "then" in seen ? await seen : seen;
      if (!successful) onWait({ request, retryAfterMs, limitedBy, ahead });
    }
    const { signal } = request;
    const wanted = typeof priority === "function" ? priority(request) : priority;
    return set.acquire(amounts, { signal, timeoutMs, maxWaitMs, priority: wanted });
  };

  /** The answer in place of a request that could never pass, or that a bound refused. Throws other errors. */
  const refuse = (set: AnyLimits, amounts: Costs, error: unknown): Response => {
    if (options.refused !== "throw" && error instanceof LimitError) {
      const keys = error instanceof InvalidRequestError ? impossible(limitsOf(set), amounts) : [];
      if (keys.length > 0 || BOUND.test(error.code)) return refused(error, keys);
    }
    throw error;
  };

  const sleep = (ms: number, signal: AbortSignal | undefined) =>
    new Promise<void>((resolve, reject) => {
      const timer = around.clock.setTimeout(() => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      }, ms);
      const aborted = () => {
        around.clock.clearTimeout(timer);
        reject(reasonOf(signal!));
      };
      if (signal?.aborted) aborted();
      else signal?.addEventListener("abort", aborted, { once: true });
    });

  return async (request, input, init) => {
    await whole.ready;
    const names = options.for?.(request);
    if (names && !whole.for)
      throw new InvalidRequestError("this set has no partitions: leave out the option `for`");
    const set = names ? whole.for!(names) : whole;
    const name = names ? JSON.stringify(Object.entries(names).sort()) : "";
    const costs = (await provider?.cost?.(request)) ?? { call_count: 1 };
    const known = provider && amountsOf(limitsOf(set), costs, metrics);
    const amounts: Costs = { ...known, ...((await cost?.(request)) as Costs | undefined) };

    for (let retries = 0; ; retries++) {
      const isLast = retries >= times || !request.isRepeatable;
      let acquisition: Acquisition<string>;
      try {
        acquisition = await take(set, request, amounts);
      } catch (error) {
        return refuse(set, amounts, error);
      }
      const own = parts.get(name) ?? { calls: 0, taken: new Map() };
      parts.set(name, own);
      own.calls++;
      const part: Part = { set, whole, names, taken: own.taken };
      const call = beginCall(part, acquisition, costs, request, options, around, () => {
        if (--own.calls === 0) parts.delete(name);
      });

      let response: Response | undefined;
      // Looked up at each call, since programs replace the platform's; and no method, which the platform's refuses to be.
      const send = around.fetch ?? fetch;
      const sentAt = around.clock.now();
      try {
        response = await send(isLast ? input : request.copy(), init);
      } catch (error) {
        call.end();
        if (isLast || request.signal?.aborted) throw error;
      }
      let pauseMs: number | undefined;
      let isPaused = false;
      if (response) {
        const { reading, isRefusal, mayRetry } = await readAnswer(response, provider, around.clock);
        if (!isRefusal) guesses.passed(sentAt);
        pauseMs = reading.pauseMs;
        // After a 503 without a time none: it may be that of one page.
        if (isRefusal && response.status !== 503) pauseMs ??= guesses.pauseMs(sentAt, around.clock.now());
        const heard = call.hear({ ...reading, pauseMs });
        // Not awaited otherwise: a set that lives elsewhere would delay the body.
        isPaused = !!pauseMs && (await heard);
        if (!mayRetry || isLast) {
          const held = call.hold(response);
          return mayRetry && times ? asLast(held) : held;
        }
        call.end();
        response.body?.cancel().catch(() => {});
      }
      // A set that is paused lets the next attempt wait.
      const waitMs = pauseMs || Math.random() * Math.min(maxMs, baseMs * 2 ** retries);
      if (!isPaused) await sleep(Math.min(waitMs, maxPauseMs), request.signal);
    }
  };
}
