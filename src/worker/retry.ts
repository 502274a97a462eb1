/** A call, attempt by attempt, until one is good enough or there is no other. */
import type { Clock } from "../platform/clock.ts";
import { waitBefore } from "./backoff.ts";
import { ResultNotAcceptedError } from "./errors.ts";
import type { AttemptInfo, RetryPolicy } from "./policy.ts";

export interface Chain {
  readonly method: string;
  readonly clock: Clock;
  /** Its abort ends the chain: the attempt under way is the last, and a wait ends at once. */
  readonly signal: AbortSignal;
}

/** The result of the first attempt that is good enough. Rejects with the last attempt's error, or the signal's reason. */
export async function retry<T>(attempt: () => Promise<T>, policy: RetryPolicy, chain: Chain): Promise<T> {
  const { method, clock, signal } = chain;
  signal.throwIfAborted();
  const since = clock.now();
  for (let number = 1; ; number++) {
    const ended = await outcomeOf(attempt);
    const info: AttemptInfo = { method, attempt: number, elapsedMs: clock.now() - since };
    let error: unknown;
    if ("result" in ended) {
      const { result } = ended;
      if (!policy.accepts || (await policy.accepts(result, info))) return result;
      error = new ResultNotAcceptedError(method, number, result);
    } else {
      error = ended.error;
    }
    signal.throwIfAborted();
    if (number > policy.retries) throw error;
    if ("error" in ended && !(await policy.wanted(error, info))) throw error;
    await wait(waitBefore(number, policy.backoff), clock, signal);
  }
}

type Outcome<T> = { readonly result: T } | { readonly error: unknown };

async function outcomeOf<T>(attempt: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { result: await attempt() };
  } catch (error) {
    return { error };
  }
}

function wait(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clock.clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal.addEventListener("abort", abort);
  });
}
