/** Options of sets and of requests, and how they are checked. */
import { InvalidLimitError, InvalidRequestError, type LimitError, show } from "../errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { LimitLike } from "./limits.ts";

/** What a `LimitSet` is made with. */
export interface LimitSetOptions<K extends string = string> {
  /** The limits to take from together. Default: none, so that every request passes. */
  readonly limits?: readonly LimitLike<K>[];
  /** Whether the set lies in memory that threads can share, where the runtime has it. Default true. */
  readonly shared?: boolean;
  /** How many threads may attach to the set, besides the one that makes it: 1 to 1000. Default 32. */
  readonly maxThreads?: number;
  /** What a release does about a RateLimit whose usage was not reported; both charge it in full. Default `"throw"`. */
  readonly missingUpdate?: "throw" | "charge";
  /** Data for the code that acquires: a model's name, say. Default: none. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Where time and timers come from. Default: the platform's monotonic clock. */
  readonly clock?: Clock;
  /**
   * Is told of each acquisition that was garbage-collected without a release, after its resources have been given back.
   * Default: the first of a set is reported by `process.emitWarning` or `console.warn`.
   */
  readonly onWarning?: (warning: LimitError) => void;
}

/** Checks the option `missingUpdate` of a set. */
export function checkMissingUpdate(missingUpdate: unknown): void {
  if (missingUpdate === "throw" || missingUpdate === "charge") return;
  throw new InvalidLimitError("missingUpdate", missingUpdate, `"throw" or "charge"`);
}

/** The option `timeoutMs` of a request; Infinity where it is left out. */
export function checkTimeout(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined) return Number.POSITIVE_INFINITY;
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw new InvalidRequestError(
    `timeoutMs must be a number of milliseconds, 0 or more, got ${show(timeoutMs)}`,
  );
}

// What each thread holds is part of a set's state, which every grant copies.
const MOST_THREADS = 1000;

/** Checks the option `maxThreads` of a set. */
export function checkMaxThreads(maxThreads: number): number {
  if (Number.isInteger(maxThreads) && maxThreads >= 1 && maxThreads <= MOST_THREADS) return maxThreads;
  throw new InvalidLimitError("maxThreads", maxThreads, `a whole number from 1 to ${MOST_THREADS}`);
}
