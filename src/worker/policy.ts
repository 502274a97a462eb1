/** Retry options, and the policy that they amount to: which errors and results are followed by another attempt. */
import type { Awaitable } from "../contract.ts";
import { LimitError } from "../errors.ts";
import { type Backoff, RETRY_ALGORITHMS, type RetryAlgorithm } from "./backoff.ts";
import { invalidOption } from "./errors.ts";

/** An attempt that has ended, as the functions of `retryOn` and `retryUntil` see it. */
export interface AttemptInfo {
  /** The name of the method. */
  readonly method: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** Milliseconds since the first attempt began, with the waits between attempts. */
  readonly elapsedMs: number;
}

/** A class of errors, abstract ones included. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/** A class of errors to retry after, or a function that tells whether to retry after an error. */
export type RetryOn = ErrorClass | ((error: unknown, info: AttemptInfo) => Awaitable<boolean>);

/** Tells whether a result is accepted. If not, the method is tried again. */
export type RetryUntil<R = unknown> = (result: R, info: AttemptInfo) => Awaitable<boolean>;

/** When a failed call is tried again, how often, and after which waits. */
export interface RetryOptions<R = unknown> {
  /** How often a call is tried again at most, after the first attempt: a whole number from 0, or `Infinity`. Default 0. */
  readonly numRetries?: number;
  /**
   * Which errors are followed by another attempt: those that match any entry. Default: all errors but `LimitError`s. A `LimitError`,
   * such as a timeout or the crash of a worker, is followed by another attempt only if its class or `LimitError` itself is named, or
   * if a function returns true.
   */
  readonly retryOn?: RetryOn | readonly RetryOn[];
  /**
   * Which results are accepted: those for which all functions return true. After any other result the method is tried again. Default:
   * every result is accepted.
   */
  readonly retryUntil?: RetryUntil<R> | readonly RetryUntil<R>[];
  /** How the wait grows from retry to retry. Default `"exponential"`. */
  readonly retryAlgorithm?: RetryAlgorithm;
  /** The wait before the first retry, in milliseconds. Default 1000. */
  readonly retryWaitMs?: number;
  /** The longest wait, in milliseconds. Default 30 000, or `retryWaitMs` if that is more. */
  readonly retryMaxWaitMs?: number;
  /** The largest fraction by which a wait is shortened at random: 0 to 1. Default 0.3. */
  readonly retryJitter?: number;
}

/** The names of the options. */
export const RETRY_OPTIONS: readonly string[] = [
  ...["numRetries", "retryOn", "retryUntil", "retryAlgorithm"],
  ...["retryWaitMs", "retryMaxWaitMs", "retryJitter"],
];

/** Checked retry options. */
export interface RetryPolicy {
  readonly retries: number;
  readonly backoff: Backoff;
  /** The classes of errors that `retryOn` names. */
  readonly classes: readonly ErrorClass[];
  /** Whether another attempt may follow this error. */
  retriesAfter(error: unknown, info: AttemptInfo): Promise<boolean>;
  /** Whether a result is accepted. Undefined if all are. */
  readonly accepts: ((result: unknown, info: AttemptInfo) => Promise<boolean>) | undefined;
}

/** @throws {InvalidWorkerError} naming the option. */
export function toPolicy(options: RetryOptions<never>): RetryPolicy {
  const { numRetries = 0, retryAlgorithm = "exponential", retryWaitMs = 1_000, retryJitter = 0.3 } = options;
  if (!(numRetries === Number.POSITIVE_INFINITY || (Number.isInteger(numRetries) && numRetries >= 0))) {
    throw invalidOption("numRetries", numRetries, "a whole number from 0, or Infinity");
  }
  if (!RETRY_ALGORITHMS.includes(retryAlgorithm)) {
    throw invalidOption("retryAlgorithm", retryAlgorithm, quoted(RETRY_ALGORITHMS));
  }
  if (!(Number.isFinite(retryWaitMs) && retryWaitMs >= 0)) {
    throw invalidOption("retryWaitMs", retryWaitMs, "a number of milliseconds from 0");
  }
  const { retryMaxWaitMs = Math.max(30_000, retryWaitMs) } = options;
  if (!(Number.isFinite(retryMaxWaitMs) && retryMaxWaitMs >= retryWaitMs)) {
    throw invalidOption(
      "retryMaxWaitMs",
      retryMaxWaitMs,
      `a number of milliseconds from ${retryWaitMs}, which is retryWaitMs`,
    );
  }
  if (!(retryJitter >= 0 && retryJitter <= 1)) {
    throw invalidOption("retryJitter", retryJitter, "a fraction from 0 to 1");
  }
  const backoff = {
    algorithm: retryAlgorithm,
    waitMs: retryWaitMs,
    maxWaitMs: retryMaxWaitMs,
    jitter: retryJitter,
  };
  return {
    retries: numRetries,
    backoff,
    ...toRetryOn(options.retryOn),
    accepts: toAccepts(options.retryUntil),
  };
}

export function quoted(words: readonly string[]): string {
  return words.map((word) => JSON.stringify(word)).join(" or ");
}

function toRetryOn(
  retryOn: RetryOn | readonly RetryOn[] = [],
): Pick<RetryPolicy, "classes" | "retriesAfter"> {
  const list = functions("retryOn", retryOn, "a class of errors, a function, or a list of these");
  const classes = list.filter(isClass) as ErrorClass[];
  const predicates = list.filter((entry) => !isClass(entry)) as Exclude<RetryOn, ErrorClass>[];
  return {
    classes,
    async retriesAfter(error, info) {
      const isOurs = error instanceof LimitError;
      if (list.length === 0) return !isOurs;
      if (classes.some((named) => error instanceof named && (!isOurs || isLimitError(named)))) return true;
      for (const predicate of predicates) if (await predicate(error, info)) return true;
      return false;
    },
  };
}

function toAccepts(
  retryUntil: RetryUntil<never> | readonly RetryUntil<never>[] = [],
): RetryPolicy["accepts"] {
  const list = functions("retryUntil", retryUntil, "a function or a list of functions") as RetryUntil[];
  if (list.length === 0) return undefined;
  return async (result, info) => {
    for (const accepts of list) if (!(await accepts(result, info))) return false;
    return true;
  };
}

function functions<T>(option: string, value: T | readonly T[], bounds: string): readonly T[] {
  const list = Array.isArray(value) ? (value as T[]) : [value as T];
  for (const entry of list) {
    if (typeof entry !== "function") throw invalidOption(option, entry, bounds);
  }
  return list;
}

function isClass(entry: unknown): boolean {
  const { prototype } = entry as { prototype?: unknown };
  if (prototype instanceof Error || entry === Error) return true;
  return Function.prototype.toString.call(entry).startsWith("class");
}

function isLimitError(named: ErrorClass): boolean {
  return named === LimitError || named.prototype instanceof LimitError;
}
