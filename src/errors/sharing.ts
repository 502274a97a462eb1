/** The errors of sets that threads share. */
import { LimitError } from "./limit-error.ts";

/**
 * The set cannot be shared with threads, or its `config` cannot be sent; the message says why. `limitset/port` serves a set
 * without shared memory.
 */
export class CannotShareError extends LimitError {
  static override get code() {
    return "ERR_CANNOT_SHARE" as const;
  }

  constructor(why: string) {
    super(new.target.code, `the limit set cannot be shared with threads: ${why}`);
  }
}

/**
 * All seats of a shared set are taken, or too many handles of it are out. Make the set with a larger `maxThreads`, `close()` it
 * in threads that are done, `reclaim` threads that have ended, and use one handle for many threads.
 */
export class TooManyThreadsError extends LimitError {
  /** The option `maxThreads` of the set. */
  readonly maxThreads: number;

  static override get code() {
    return "ERR_TOO_MANY_THREADS" as const;
  }

  constructor(maxThreads: number, what: "threads" | "handles" = "threads") {
    super(
      new.target.code,
      what === "threads"
        ? `${maxThreads} threads share the limit set already: make it with a larger maxThreads, close() it in threads that are done, or reclaim() those that have ended`
        : `too many handles are out for maxThreads ${maxThreads}: one handle serves many threads, so use it again, or reclaim() those that are done`,
    );
    this.maxThreads = maxThreads;
  }
}

/**
 * `attachLimits` was called with a value that is no handle, or with a handle that is no longer good: it was reclaimed, its set is
 * gone, or another version of limitset made it. Share the set again, and use one version in all threads.
 */
export class InvalidHandleError extends LimitError {
  static override get code() {
    return "ERR_INVALID_HANDLE" as const;
  }

  constructor(why: string) {
    super(new.target.code, why);
  }
}
