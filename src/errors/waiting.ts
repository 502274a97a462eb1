/** The errors of requests that were not granted: each says which limits refuse, for how long, and how many waiters stand before. */
import { LimitError } from "./limit-error.ts";
import { listKeys } from "./show.ts";

/**
 * A request was not granted within `timeoutMs`. Nothing was taken. Try again later, or wait longer; `limitedBy` and the
 * message name the limits that refuse. The error's `name` is `"TimeoutError"`, as that of the platform's own timeouts is.
 */
export class AcquireTimeoutError extends LimitError {
  /** The option `timeoutMs` of the request, in milliseconds. */
  readonly timeoutMs: number;
  /** The keys of the limits that refused at the end. */
  readonly limitedBy: readonly string[];
  /** The milliseconds until the request could pass; `Infinity` if it needs a release. */
  readonly retryAfterMs: number;
  /** How many waiters stood before it, at that of these limits at which most did. */
  readonly ahead: number;

  static override get code() {
    return "ERR_ACQUIRE_TIMEOUT" as const;
  }

  constructor(timeoutMs: number, limitedBy: readonly string[], retryAfterMs = 0, ahead = 0) {
    super(new.target.code, `not granted within ${timeoutMs} ms${limiting(limitedBy, ahead)}`);
    this.name = "TimeoutError";
    this.timeoutMs = timeoutMs;
    this.limitedBy = limitedBy;
    this.retryAfterMs = retryAfterMs;
    this.ahead = ahead;
  }
}

/**
 * As many requests wait as the set's option `maxWaiting` allows. Nothing was taken. Try again later, or make the set with a larger
 * `maxWaiting`.
 */
export class QueueFullError extends LimitError {
  /** The option `maxWaiting` of the set. */
  readonly maxWaiting: number;
  /** The keys of the limits that refuse. */
  readonly limitedBy: readonly string[];
  /** The milliseconds until the request could pass; `Infinity` if it needs a release. */
  readonly retryAfterMs: number;
  /** How many waiters stand before it, at that of these limits at which most do. */
  readonly ahead: number;

  static override get code() {
    return "ERR_QUEUE_FULL" as const;
  }

  constructor(maxWaiting: number, limitedBy: readonly string[], retryAfterMs: number, ahead: number) {
    super(
      new.target.code,
      `${maxWaiting} requests wait already${limiting(limitedBy, ahead)}: try again later, or make the set with a larger maxWaiting`,
    );
    this.maxWaiting = maxWaiting;
    this.limitedBy = limitedBy;
    this.retryAfterMs = retryAfterMs;
    this.ahead = ahead;
  }
}

/**
 * A request would wait for longer than its option `maxWaitMs`. Nothing was taken. Try again after `retryAfterMs`, or allow a longer
 * wait.
 */
export class WaitTooLongError extends LimitError {
  /** The option `maxWaitMs` of the request, in milliseconds. */
  readonly maxWaitMs: number;
  /** The milliseconds until the request could pass, as far as that is known. */
  readonly retryAfterMs: number;
  /** The keys of the limits that refuse. */
  readonly limitedBy: readonly string[];
  /** How many waiters stand before it, at that of these limits at which most do. */
  readonly ahead: number;

  static override get code() {
    return "ERR_WAIT_TOO_LONG" as const;
  }

  constructor(maxWaitMs: number, limitedBy: readonly string[], retryAfterMs: number, ahead: number) {
    super(
      new.target.code,
      `would wait ${retryAfterMs} ms, longer than maxWaitMs, ${maxWaitMs}${limiting(limitedBy, ahead)}`,
    );
    this.maxWaitMs = maxWaitMs;
    this.retryAfterMs = retryAfterMs;
    this.limitedBy = limitedBy;
    this.ahead = ahead;
  }
}

function limiting(limitedBy: readonly string[], ahead: number): string {
  const by = limitedBy.length > 0 ? `, limited by ${listKeys(limitedBy)}` : "";
  return ahead > 0 ? `${by}, behind ${ahead} waiting` : by;
}
