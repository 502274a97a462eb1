/** How long to wait between attempts. */

/** How the wait grows with each retry: doubles, by the same again, or as the sum of the two before. */
export type RetryAlgorithm = "exponential" | "linear" | "fibonacci";

export interface Backoff {
  readonly algorithm: RetryAlgorithm;
  readonly waitMs: number;
  readonly maxWaitMs: number;
  readonly jitter: number;
}

const FACTORS: Readonly<Record<RetryAlgorithm, (retry: number) => number>> = {
  exponential: (retry) => 2 ** (retry - 1),
  linear: (retry) => retry,
  fibonacci: (retry) => {
    let [before, factor] = [0, 1];
    for (let i = 1; i < retry && factor < Number.MAX_SAFE_INTEGER; i++) {
      [before, factor] = [factor, before + factor];
    }
    return factor;
  },
};

export const RETRY_ALGORITHMS = Object.keys(FACTORS) as RetryAlgorithm[];

/**
 * The wait before a retry, counted from 1, in milliseconds. Jitter shortens it by up to that fraction at random, so that those
 * who failed together do not come again together: with 1 it is the "full jitter" of Brooker, "Exponential Backoff And Jitter"
 * (AWS Architecture Blog, 2015).
 */
export function waitBefore(retry: number, { algorithm, waitMs, maxWaitMs, jitter }: Backoff): number {
  // Zero times infinity is no number.
  const whole = waitMs === 0 ? 0 : Math.min(waitMs * FACTORS[algorithm](retry), maxWaitMs);
  return whole * (1 - jitter * Math.random());
}
