/** The options of sets and of requests, and their checks. */
import { InvalidLimitError, InvalidRequestError, type LimitError, show } from "../errors.ts";
import { isSignal, throwIfAborted } from "../platform/aborted.ts";
import type { Clock } from "../platform/clock.ts";
import {
  checkOptions,
  checksOf,
  type Invalid,
  invalidLimit,
  invalidRequest,
  isBoolean,
  isFunction,
  isObject,
} from "./known-options.ts";
import type { LimitLike } from "./limits.ts";
import type { PartitionOptions } from "./partition-options.ts";

/** The options of a `LimitSet`. */
export interface LimitSetOptions<M extends string = string, K extends string = M, D extends string = string> {
  /** The limits to take from together. Default: none, so that every request passes. */
  readonly limits?: readonly LimitLike<K, M, D>[];
  /** Whether the set lies in memory that threads can share, where the runtime has such memory. Default: true. */
  readonly shared?: boolean;
  /** How many threads may be attached to the set at once, besides the one that makes it: from 1 to 1000. Default: 32. */
  readonly maxThreads?: number;
  /**
   * What a release does about a RateLimit whose usage was not reported: it throws a `UsageNotReportedError`, or it does not. It
   * charges the limit in full in both cases. Default: `"throw"`.
   */
  readonly missingUpdate?: "throw" | "charge";
  /** Data for the code that acquires, such as a model's name. Default: `{}`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The source of time and timers. Default: the platform's monotonic clock. */
  readonly clock?: Clock;
  /**
   * Receives an `UnreleasedAcquisitionWarning` for each acquisition that was garbage-collected without a release, after its
   * resources have been given back; a `DeadlockError` for each request in the body of a `run` that waits for that body; and a
   * `SameVersionWarning` where `redefine` has replaced limits by others of the same version.
   * Default: `process.emitWarning` or `console.warn`, for the first one of each kind.
   */
  readonly onWarning?: (warning: LimitError) => void;
  /**
   * How many requests may wait, at most: one more rejects with a `QueueFullError`. In threads that share a set, each has its own queue of
   * so many. Nested requests do not count. Default: no bound.
   */
  readonly maxWaiting?: number;
  /**
   * How much waiting is worth a priority of 1, in milliseconds: a request goes before those of the next higher priority that came so
   * much later. Default: none, so that a higher priority always goes first.
   */
  readonly agingMs?: number;
  /** How many partitions each dimension has, as `{ user: { max: 10_000 } }`. Default: 100,000 each, and then one more that is shared. */
  readonly partitions?: { readonly [dimension in D]?: PartitionOptions };
  /**
   * A dimension whose partitions are served in turn where their requests wait for a limit of all: so one with many waiters does not hold up
   * one with few. Not together with `agingMs`. Default: none, so that requests go in the order in which they came.
   */
  // No `D` is inferred from it: a misspelt dimension would be one more.
  readonly fairBy?: [D][D extends unknown ? 0 : never];
}

// The holdings of each thread are part of a set's state, which every grant copies.
const MOST_THREADS = 1000;

export const SET_OPTIONS: readonly string[] = [
  "limits",
  "shared",
  "maxThreads",
  "missingUpdate",
  "config",
  "clock",
  "onWarning",
  "maxWaiting",
  "agingMs",
  "partitions",
  "fairBy",
];

/** Checks the options of a LimitSet, except its limits. */
export function checkSetOptions(options: LimitSetOptions): void {
  checkOptions("a LimitSet", options, SET_OPTIONS);
  const { missingUpdate = "throw", maxThreads = 1 } = options;
  checkMissingUpdate(missingUpdate);
  checkQueueOptions(options);
  checkSurroundings(options);
  if (Number.isInteger(maxThreads) && maxThreads >= 1 && maxThreads <= MOST_THREADS) return;
  throw new InvalidLimitError("maxThreads", maxThreads, `a whole number from 1 to ${MOST_THREADS}`);
}

/** Checks what all sets are handed from outside. */
export function checkSurroundings(
  options: Partial<Record<"config" | "clock" | "onWarning" | "shared", unknown>>,
  invalid: Invalid = invalidLimit,
): void {
  const check = checksOf(options, invalid);
  check("config", isObject, "an object");
  check("clock", isClock, "a Clock: an object with now, setTimeout and clearTimeout");
  check("onWarning", isFunction, "a function");
  check("shared", isBoolean, "true or false");
}

function isClock(value: unknown): boolean {
  const { now, setTimeout } = Object(value) as Partial<Clock>;
  return !!now && !!setTimeout;
}

/** Checks the options of a set's queue. */
export function checkQueueOptions({
  maxWaiting,
  agingMs,
}: Pick<LimitSetOptions, "maxWaiting" | "agingMs">): void {
  if (
    maxWaiting !== undefined &&
    !(maxWaiting >= 0 && (Number.isInteger(maxWaiting) || maxWaiting === Infinity))
  ) {
    throw new InvalidLimitError("maxWaiting", maxWaiting, "a whole number, 0 or more");
  }
  if (agingMs !== undefined && !(agingMs > 0 && Number.isFinite(agingMs))) {
    throw new InvalidLimitError("agingMs", agingMs, "a positive number of milliseconds");
  }
}

/** Checks the option `missingUpdate` of a set. */
export function checkMissingUpdate(missingUpdate: unknown): void {
  if (missingUpdate === "throw" || missingUpdate === "charge") return;
  throw new InvalidLimitError("missingUpdate", missingUpdate, `"throw" or "charge"`);
}

/** The options of a request. */
interface RequestOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly priority?: number | undefined;
  readonly maxWaitMs?: number | undefined;
}

const REQUEST_OPTIONS = ["timeoutMs", "signal", "priority", "maxWaitMs"];

/**
 * Checks the options of a request, and returns its `timeoutMs`: Infinity where it is left out. Throws the reason of a signal that
 * has aborted.
 */
export function checkRequestOptions(options: RequestOptions | null | undefined): number {
  if (options === undefined || options === null) return Number.POSITIVE_INFINITY;
  if (typeof options !== "object") refuseOption(options);
  // Cheap for the two names that most requests have.
  for (const option in options) if (option !== "timeoutMs" && option !== "signal") checkOthers(options);
  const { signal } = options;
  if (signal !== undefined && signal !== null && !isSignal(signal)) throw noSignal(signal);
  throwIfAborted(signal);
  return checkTime("timeoutMs", options.timeoutMs);
}

function noSignal(value: unknown): Error {
  const hint = "signal" in Object(value) ? ": pass the controller's signal" : "";
  return new InvalidRequestError(`signal must be an AbortSignal, got ${show(value)}${hint}`);
}

function checkOthers(options: RequestOptions): void {
  refuseOption(options);
  const { priority = 0, maxWaitMs } = options;
  checkTime("maxWaitMs", maxWaitMs);
  if (typeof priority === "number" && Number.isFinite(priority)) return;
  throw new InvalidRequestError(`priority must be a finite number, got ${show(priority)}`);
}

function refuseOption(options: unknown): void {
  checkOptions("a request", options, REQUEST_OPTIONS, invalidRequest);
}

/** Checks the options of a request that blocks its thread, and returns its `timeoutMs`. */
/** Refuses a body of `run` before anything is taken for it. */
export function checkBody(body: unknown): void {
  if (typeof body !== "function")
    throw invalidRequest("the body", body, "a function, which gets the acquisition");
}

export function checkBlockingOptions(options: Pick<RequestOptions, "timeoutMs"> = {}): number {
  checkOptions("acquireSync", options, ["timeoutMs"], invalidRequest);
  return checkTime("timeoutMs", options.timeoutMs);
}

function checkTime(option: string, ms: number | undefined): number {
  if (ms === undefined) return Number.POSITIVE_INFINITY;
  if (typeof ms === "number" && ms >= 0) return ms;
  throw new InvalidRequestError(`${option} must be a number of milliseconds, 0 or more, got ${show(ms)}`);
}
