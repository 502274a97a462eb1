/** Every error of a set. A message names the key or the option, the value, and what would do. */

import { classNameOf, LimitError } from "./errors/limit-error.ts";
import { listAmounts, listKeys, quote, show } from "./errors/show.ts";

export { PartitionsFullError } from "./errors/partitions.ts";
export { CannotShareError, InvalidHandleError, TooManyThreadsError } from "./errors/sharing.ts";
export { AcquireTimeoutError, QueueFullError, WaitTooLongError } from "./errors/waiting.ts";
export { classNameOf, LimitError, listAmounts, listKeys, show };

/**
 * A limit or a set cannot be made: a field of a definition, or an option, makes no sense. Correct the field that `field`
 * names.
 *
 * @example
 * try {
 *   new ResourceLimit({ key: "connections", capacity: 0 });
 * } catch (error) {
 *   (error as InvalidLimitError).field; // "capacity"
 * }
 */
export class InvalidLimitError extends LimitError {
  /** The name of the field or the option: `"capacity"`, for example. */
  readonly field: string;
  /** The value that it had. */
  readonly value: unknown;
  /** The values that it may have, in words: `"a positive whole number"`, for example. */
  readonly bounds: string;

  static override get code() {
    return "ERR_INVALID_LIMIT" as const;
  }

  constructor(field: string, value: unknown, bounds: string, key?: string) {
    super(
      new.target.code,
      `${field}${key === undefined ? "" : ` of ${quote(key)}`} must be ${bounds}, got ${show(value)}`,
    );
    this.field = field;
    this.value = value;
    this.bounds = bounds;
  }
}

/**
 * A request, a usage or a parameter makes no sense, or the request could never be granted: an unknown key, an amount that is no
 * multiple of the limit's unit, more than the capacity or the burst. Nothing was taken or recorded. Correct the request: made
 * again, it fails again.
 */
export class InvalidRequestError extends LimitError {
  static override get code() {
    return "ERR_INVALID_REQUEST" as const;
  }

  constructor(message: string) {
    super(new.target.code, message);
  }
}

/**
 * `update` reported more usage than was requested, of a limit whose `overage` is `"error"` or of a CallLimit. Nothing was recorded.
 * Request more, or define the RateLimit with `overage: "debt"`.
 */
export class UsageExceedsRequestedError extends LimitError {
  /** The key of the limit. */
  readonly key: string;
  /** The amount that was reported as used. */
  readonly used: number;
  /** The amount that was requested. */
  readonly requested: number;

  static override get code() {
    return "ERR_USAGE_EXCEEDS_REQUESTED" as const;
  }

  constructor(key: string, used: number, requested: number, hasOverage = true) {
    const advice = hasOverage ? `request more, or define the limit with overage: "debt"` : "request more";
    super(new.target.code, `usage of ${quote(key)} is ${used} but ${requested} was requested; ${advice}`);
    this.key = key;
    this.used = used;
    this.requested = requested;
  }
}

/**
 * An acquisition was released without the usage of some RateLimits. All is settled: these are charged in full. Report usage
 * before the release, or make the set with `missingUpdate: "charge"`.
 */
export class UsageNotReportedError extends LimitError {
  /** The keys of the limits whose usage is missing. */
  readonly keys: readonly string[];

  static override get code() {
    return "ERR_USAGE_NOT_REPORTED" as const;
  }

  constructor(keys: readonly string[]) {
    super(
      new.target.code,
      `released without update() of ${listKeys(keys)}: charged in full; report the usage, or make the set with missingUpdate: "charge"`,
    );
    this.keys = keys;
  }
}

/**
 * A method of an acquisition was called that holds nothing: it is released already, or its request was refused. Call the method
 * before `release()`; after `tryAcquire`, look at `successful` first.
 */
export class AcquisitionReleasedError extends LimitError {
  static override get code() {
    return "ERR_ACQUISITION_RELEASED" as const;
  }

  constructor(what: string, why: "released" | "refused") {
    super(
      new.target.code,
      why === "released"
        ? `${what} after release(): call it before`
        : `${what} on a try that was refused: check \`successful\` first`,
    );
  }
}

/**
 * The set is closed, or another thread has reclaimed it from this thread. Waiters reject with this error too. Make a new set;
 * in a thread, attach again.
 */
export class LimitSetClosedError extends LimitError {
  static override get code() {
    return "ERR_LIMIT_SET_CLOSED" as const;
  }

  constructor(why: "closed" | "reclaimed" = "closed") {
    super(
      new.target.code,
      why === "closed"
        ? "the limit set is closed: make a new one"
        : "the limit set was reclaimed from this thread: attach to it with a new handle",
    );
  }
}

/**
 * A set that lives elsewhere cannot be reached: its host or its object has gone, or its server does not answer. Try again later.
 * `cause` is the error that lies behind, where there is one.
 */
export class BackendUnavailableError extends LimitError {
  static override get code() {
    return "ERR_BACKEND_UNAVAILABLE" as const;
  }

  constructor(message: string, cause?: unknown) {
    super(new.target.code, message, cause);
  }
}

/**
 * A set that lives elsewhere is refused there: a right, a password or a command is missing, or its place holds other data. Waiting
 * does not help: the message names the command and the thing to allow. `cause` is the server's own error.
 */
export class BackendRefusedError extends LimitError {
  static override get code() {
    return "ERR_BACKEND_REFUSED" as const;
  }

  constructor(message: string, cause?: unknown) {
    super(new.target.code, message, cause);
  }
}

/**
 * A request waits for its own caller. `acquireSync` throws it if only the thread that it would block could let it pass: nothing was
 * taken, so use `acquire` or `tryAcquire`. The option `onWarning` of the set gets it, once, for a request in the body of a `run` that
 * asks for a resource which the bodies around it hold: the request goes on waiting, since the body may end without awaiting it.
 * Request everything at once, or through the body's acquisition, which does not take again what it holds.
 */
export class DeadlockError extends LimitError {
  static override get code() {
    return "ERR_DEADLOCK" as const;
  }

  constructor(message: string) {
    super(new.target.code, message);
  }
}

/**
 * `acquireSync` would have to wait where the platform lets no thread block: in a page's main thread, in an edge worker. Nothing
 * was taken. Use `acquire` or `tryAcquire`.
 */
export class CannotBlockError extends LimitError {
  static override get code() {
    return "ERR_CANNOT_BLOCK" as const;
  }

  constructor() {
    super(new.target.code, "this thread must not block: use acquire() or tryAcquire() here");
  }
}

/**
 * The clock of a set has a reading that is no time: `NaN`, before 1970, or after 2255. The call that read it did nothing. Pass a
 * `clock` whose `now()` returns milliseconds since the Unix epoch; or set the machine's clock.
 */
export class InvalidClockError extends LimitError {
  /** The reading, in milliseconds. */
  readonly reading: number;

  static override get code() {
    return "ERR_INVALID_CLOCK" as const;
  }

  constructor(reading: number) {
    super(
      new.target.code,
      `the clock reads ${show(reading)}: now() must return milliseconds since 1970, up to the year 2255`,
    );
    this.reading = reading;
  }
}

/**
 * An acquisition was garbage-collected without a release. It is never thrown: the option `onWarning` of the set gets it. The
 * acquisition's resources are given back, and its rates are charged in full. Release acquisitions: with `using`, by `run`, or in
 * `finally`.
 */
export class UnreleasedAcquisitionWarning extends LimitError {
  /** The amounts that the acquisition had taken, by key. */
  readonly requested: Readonly<Record<string, number>>;

  static override get code() {
    return "WARN_UNRELEASED_ACQUISITION" as const;
  }

  constructor(requested: Readonly<Record<string, number>>) {
    super(
      new.target.code,
      `an acquisition of ${listAmounts(requested)} was dropped without release(): its resources came back only with the garbage; release it, or use \`using\` or run()`,
    );
    this.requested = requested;
  }
}

/**
 * The limits of a set were replaced by others of the same `version`: it is not known which are the newer ones, so the later call counts.
 * It is never thrown: the option `onWarning` of the set gets it, once for each version. Give changed definitions a higher version.
 */
export class SameVersionWarning extends LimitError {
  /** The version that both have. */
  readonly version: number;

  static override get code() {
    return "WARN_SAME_VERSION" as const;
  }

  constructor(version: number) {
    super(
      new.target.code,
      `limits of version ${version} were replaced by others of version ${version}: give changed definitions a higher version`,
    );
    this.version = version;
  }
}

/**
 * The platform does not let the WebAssembly core run: it has no WebAssembly, gives it no memory, or lets no code be compiled. The
 * message says which, and what to do; `cause` is the platform's error. On a page, allow `'wasm-unsafe-eval'` in the
 * Content-Security-Policy. For workerd, bundle with the condition `workerd`.
 */
export class CoreBlockedError extends LimitError {
  static override get code() {
    return "ERR_CORE_BLOCKED" as const;
  }

  constructor(why: string, cause?: unknown) {
    super(new.target.code, `the core cannot run: ${why}`, cause);
  }
}
