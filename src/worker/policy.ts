/** What is retried: the options that say so, and what they come to. */
import type { Awaitable } from "../contract.ts";
import { LimitError } from "../errors.ts";
import { type Backoff, RETRY_ALGORITHMS, type RetryAlgorithm } from "./backoff.ts";
import { InvalidWorkerError } from "./errors.ts";

/** What is known of an attempt that has ended. */
export interface AttemptInfo {
  /** The name of the method. */
  readonly method: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** Milliseconds since the first attempt began, waits included. */
  readonly elapsedMs: number;
}

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/** An error's class, or a function that says whether to retry after it. */
export type RetryOn = ErrorClass | ((error: unknown, info: AttemptInfo) => Awaitable<boolean>);

/** Says whether a result will do. */
export type RetryUntil<R = unknown> = (result: R, info: AttemptInfo) => Awaitable<boolean>;

/** When a failed call is tried again, and after which wait. */
export interface RetryOptions<R = unknown> {
  /** How often a call is tried again, at most: whole, from 0. Default 0. */
  readonly numRetries?: number;
  /**
   * After which errors; any one that matches will do. Default: all but those of limitset itself. A `LimitError` (a limit not
   * had in time, a worker that crashed) is tried again only if its class, or `LimitError`, is named or a function says so.
   */
  readonly retryOn?: RetryOn | readonly RetryOn[];
  /** Tries again until the result satisfies these, all of them. Default: any result will do. */
  readonly retryUntil?: RetryUntil<R> | readonly RetryUntil<R>[];
  /** How the wait grows with each retry. Default `"exponential"`. */
  readonly retryAlgorithm?: RetryAlgorithm;
  /** The wait before the first retry, in milliseconds. Default 1000. */
  readonly retryWaitMs?: number;
  /** The longest wait, in milliseconds. Default 30 000, or `retryWaitMs` if that is more. */
  readonly retryMaxWaitMs?: number;
  /** By which part a wait may be shorter, at random: from 0 to 1. Default 0.3. */
  readonly retryJitter?: number;
}

export interface RetryPolicy {
  readonly retries: number;
  readonly backoff: Backoff;
  /** The classes of errors that were named. */
  readonly classes: readonly ErrorClass[];
  wanted(error: unknown, info: AttemptInfo): Promise<boolean>;
  /** Undefined if any result will do. */
  readonly accepts: ((result: unknown, info: AttemptInfo) => Promise<boolean>) | undefined;
}

/** @throws {InvalidWorkerError} naming the option. */
export function toPolicy(options: RetryOptions<never>): RetryPolicy {
  const { numRetries = 0, retryAlgorithm = "exponential", retryWaitMs = 1_000, retryJitter = 0.3 } = options;
  if (!(numRetries === Number.POSITIVE_INFINITY || (Number.isInteger(numRetries) && numRetries >= 0))) {
    throw InvalidWorkerError.option("numRetries", numRetries, "a whole number from 0, or Infinity");
  }
  if (!RETRY_ALGORITHMS.includes(retryAlgorithm)) {
    throw InvalidWorkerError.option("retryAlgorithm", retryAlgorithm, quoted(RETRY_ALGORITHMS));
  }
  if (!(Number.isFinite(retryWaitMs) && retryWaitMs >= 0)) {
    throw InvalidWorkerError.option("retryWaitMs", retryWaitMs, "a number of milliseconds from 0");
  }
  const { retryMaxWaitMs = Math.max(30_000, retryWaitMs) } = options;
  if (!(Number.isFinite(retryMaxWaitMs) && retryMaxWaitMs >= retryWaitMs)) {
    throw InvalidWorkerError.option(
      "retryMaxWaitMs",
      retryMaxWaitMs,
      `a number of milliseconds from ${retryWaitMs}, which is retryWaitMs`,
    );
  }
  if (!(retryJitter >= 0 && retryJitter <= 1)) {
    throw InvalidWorkerError.option("retryJitter", retryJitter, "a fraction from 0 to 1");
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
    ...toWanted(options.retryOn),
    accepts: toAccepts(options.retryUntil),
  };
}

export function quoted(words: readonly string[]): string {
  return words.map((word) => JSON.stringify(word)).join(" or ");
}

function toWanted(retryOn: RetryOn | readonly RetryOn[] = []): Pick<RetryPolicy, "classes" | "wanted"> {
  const list = functions("retryOn", retryOn, "a class of errors, a function, or a list of these");
  const classes = list.filter(isClass) as ErrorClass[];
  const predicates = list.filter((entry) => !isClass(entry)) as Exclude<RetryOn, ErrorClass>[];
  return {
    classes,
    async wanted(error, info) {
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
    if (typeof entry !== "function") throw InvalidWorkerError.option(option, entry, bounds);
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
