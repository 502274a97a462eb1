/** Every error of the library. Messages name the key, the value that came and what would do. */

/** What all errors of the library extend. `code` is stable; messages are for people. */
export class LimitError extends Error {
  /** Names the kind of error: `"ERR_ACQUIRE_TIMEOUT"`, for example. It stays the same from version to version. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A definition that makes no sense: thrown when a limit or a set is made. */
export class InvalidLimitError extends LimitError {
  /** Which field of the definition: `"capacity"`, say. */
  readonly field: string;
  /** What it was. */
  readonly value: unknown;
  /** What it may be. */
  readonly bounds: string;

  constructor(field: string, value: unknown, bounds: string, key?: string) {
    super(
      "ERR_INVALID_LIMIT",
      `${field}${key === undefined ? "" : ` of "${key}"`} must be ${bounds}, got ${show(value)}`,
    );
    this.field = field;
    this.value = value;
    this.bounds = bounds;
  }
}

/** A request, usage or option that makes no sense or could never be granted. Nothing was taken. */
export class InvalidRequestError extends LimitError {
  constructor(message: string) {
    super("ERR_INVALID_REQUEST", message);
  }
}

/** More was used than requested, of a limit whose `overage` is `"error"`. Nothing was recorded. */
export class UsageExceedsRequestedError extends LimitError {
  /** The key of the limit. */
  readonly key: string;
  /** The amount that was reported as used. */
  readonly used: number;
  /** The amount that was requested. */
  readonly requested: number;

  constructor(key: string, used: number, requested: number) {
    super(
      "ERR_USAGE_EXCEEDS_REQUESTED",
      `usage of "${key}" is ${used} but ${requested} was requested; request more, or define the limit with overage: "debt"`,
    );
    this.key = key;
    this.used = used;
    this.requested = requested;
  }
}

/** Released without the usage of some RateLimits. Everything was settled, those charged in full. */
export class UsageNotReportedError extends LimitError {
  /** The keys of the limits whose usage is missing. */
  readonly keys: readonly string[];

  constructor(keys: readonly string[]) {
    super(
      "ERR_USAGE_NOT_REPORTED",
      `released without update() of ${keys.map((key) => `"${key}"`).join(", ")}: charged in full; report the usage, or make the set with missingUpdate: "charge"`,
    );
    this.keys = keys;
  }
}

/** Not granted within `timeoutMs`. Nothing was taken. Its `name` is `"TimeoutError"`, as the platform's own is. */
export class AcquireTimeoutError extends LimitError {
  /** The time that was given, in milliseconds. */
  readonly timeoutMs: number;

  constructor(timeoutMs: number, limitedBy: readonly string[]) {
    const by = limitedBy.length > 0 ? `, limited by ${limitedBy.map((key) => `"${key}"`).join(", ")}` : "";
    super("ERR_ACQUIRE_TIMEOUT", `not granted within ${timeoutMs} ms${by}`);
    this.name = "TimeoutError";
    this.timeoutMs = timeoutMs;
  }
}

/** The acquisition holds nothing any more, or never did. */
export class AcquisitionReleasedError extends LimitError {
  constructor(what: string, why: "released" | "refused") {
    super(
      "ERR_ACQUISITION_RELEASED",
      why === "released"
        ? `${what} after release(): call it before`
        : `${what} on a try that was refused: check \`successful\` first`,
    );
  }
}

/** The set was closed; or another thread has reclaimed it from this one. */
export class LimitSetClosedError extends LimitError {
  constructor(why: "closed" | "reclaimed" = "closed") {
    super(
      "ERR_LIMIT_SET_CLOSED",
      why === "closed"
        ? "the limit set is closed: make a new one"
        : "the limit set was reclaimed from this thread: attach to it with a new handle",
    );
  }
}

/** The set cannot be shared with threads. */
export class CannotShareError extends LimitError {
  constructor(why: string) {
    super("ERR_CANNOT_SHARE", `the limit set cannot be shared with threads: ${why}`);
  }
}

/** As many threads as `maxThreads` allows are attached, or too many handles are out. */
export class TooManyThreadsError extends LimitError {
  /** The option of the set. */
  readonly maxThreads: number;

  constructor(maxThreads: number, what: "threads" | "handles" = "threads") {
    super(
      "ERR_TOO_MANY_THREADS",
      what === "threads"
        ? `${maxThreads} threads share the limit set already: make it with a larger maxThreads, close() it in threads that are done, or reclaim() those that have ended`
        : `too many handles are out for maxThreads ${maxThreads}: one handle serves many threads, so use it again, or reclaim() those that are done`,
    );
    this.maxThreads = maxThreads;
  }
}

/** The value given to `attachLimits` is no handle, or one that is not good any more. */
export class InvalidHandleError extends LimitError {
  constructor(why: string) {
    super("ERR_INVALID_HANDLE", why);
  }
}

/** A remote set cannot be reached. */
export class BackendUnavailableError extends LimitError {
  constructor(message: string) {
    super("ERR_BACKEND_UNAVAILABLE", message);
  }
}

/** `acquireSync` would block the only thread that could ever let it pass. Nothing was taken. */
export class DeadlockError extends LimitError {
  constructor(why: string) {
    super("ERR_DEADLOCK", `acquireSync would never return: ${why}; use acquire() or tryAcquire()`);
  }
}

/** `acquireSync` has to wait where the platform lets no thread block: a page's main thread, an edge worker. */
export class CannotBlockError extends LimitError {
  constructor() {
    super("ERR_CANNOT_BLOCK", "this thread must not block: use acquire() or tryAcquire() here");
  }
}

/** An acquisition was garbage-collected without a release. What it held of resources is back; see `onWarning`. */
export class UnreleasedAcquisitionWarning extends LimitError {
  /** What it had taken. */
  readonly requested: Readonly<Record<string, number>>;

  constructor(requested: Readonly<Record<string, number>>) {
    const what = Object.entries(requested).map(([key, amount]) => `${amount} of "${key}"`);
    super(
      "WARN_UNRELEASED_ACQUISITION",
      `an acquisition of ${what.join(", ")} was dropped without release(): its resources came back only with the garbage; release it, or use \`using\` or run()`,
    );
    this.requested = requested;
  }
}

/** The platform does not let the core be compiled; `cause` is what it said. */
export class CoreBlockedError extends LimitError {
  constructor(cause: unknown) {
    super(
      "ERR_CORE_BLOCKED",
      `the core's wasm may not be compiled here: on a page, allow it by script-src 'wasm-unsafe-eval' in the Content-Security-Policy; for workerd, bundle with the condition "workerd"`,
    );
    this.cause = cause;
  }
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function") return "a function";
  return String(value);
}
