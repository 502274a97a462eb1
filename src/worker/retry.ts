/** Makes the attempts of a call, until one succeeds or no further attempt is allowed. */
import type { Clock } from "../platform/clock.ts";
import { waitBefore } from "./backoff.ts";
import { ResultNotAcceptedError } from "./errors.ts";
import type { AttemptInfo, RetryPolicy } from "./policy.ts";

/** The call that is tried. */
export interface RetriedCall {
  readonly method: string;
  readonly clock: Clock;
  /** After its abort no further attempt is made, and a wait ends at once. */
  readonly signal: AbortSignal;
}

/** The first result that is accepted. Rejects with the last attempt's error, or with the signal's reason. */
export async function retry<T>(
  attempt: () => Promise<T>,
  policy: RetryPolicy,
  call: RetriedCall,
): Promise<T> {
  const { method, clock, signal } = call;
  signal.throwIfAborted();
  const since = clock.now();
  for (let number = 1; ; number++) {
    const outcome = await outcomeOf(attempt);
    const info: AttemptInfo = { method, attempt: number, elapsedMs: clock.now() - since };
    let error: unknown;
    if ("result" in outcome) {
      const { result } = outcome;
      if (!policy.accepts || (await policy.accepts(result, info))) return result;
      error = new ResultNotAcceptedError(method, number, result);
    } else {
      error = outcome.error;
    }
    signal.throwIfAborted();
    if (number > policy.retries) throw error;
    if ("error" in outcome && !(await policy.retriesAfter(error, info))) throw error;
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
