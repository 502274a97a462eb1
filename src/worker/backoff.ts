/** The wait between the attempts of a call. */

/**
 * How the wait grows from retry to retry: `"exponential"` doubles it, `"linear"` adds the first wait each time, and with
 * `"fibonacci"` it is the sum of the two waits before.
 */
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
 * The wait before retry number `retry` (from 1), in milliseconds. Jitter shortens it at random by up to that fraction, so that
 * calls which failed together are not tried again together. With 1 it is the "full jitter" of Brooker, "Exponential Backoff And
 * Jitter" (AWS Architecture Blog, 2015).
 */
export function waitBefore(retry: number, { algorithm, waitMs, maxWaitMs, jitter }: Backoff): number {
  // The factor may be infinite, and zero times infinity is NaN.
  const whole = waitMs === 0 ? 0 : Math.min(waitMs * FACTORS[algorithm](retry), maxWaitMs);
  return whole * (1 - jitter * Math.random());
}
