/** Every error of a set. A message names the key or the option, the value, and what would do. */

/**
 * The class that all errors of the library extend. Catch it to catch them all.
 *
 * Tell errors apart by `instanceof` or by `code`. Messages are for people, and may change.
 *
 * @example
 * const limits = new LimitSet({ limits: [new ResourceLimit({ key: "connections", capacity: 1 })] });
 * limits.tryAcquire().successful; // true
 * await limits.acquire({}, { timeoutMs: 0 }).catch((error: LimitError) => error.code); // "ERR_ACQUIRE_TIMEOUT"
 */
export class LimitError extends Error {
  /** The kind of error: `"ERR_ACQUIRE_TIMEOUT"`, for example. It stays the same from version to version. */
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    if (cause !== undefined) this.cause = cause;
  }
}

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

  constructor(field: string, value: unknown, bounds: string, key?: string) {
    super(
      "ERR_INVALID_LIMIT",
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
  constructor(message: string) {
    super("ERR_INVALID_REQUEST", message);
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

  constructor(key: string, used: number, requested: number, hasOverage = true) {
    const advice = hasOverage ? `request more, or define the limit with overage: "debt"` : "request more";
    super(
      "ERR_USAGE_EXCEEDS_REQUESTED",
      `usage of ${quote(key)} is ${used} but ${requested} was requested; ${advice}`,
    );
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

  constructor(keys: readonly string[]) {
    super(
      "ERR_USAGE_NOT_REPORTED",
      `released without update() of ${listKeys(keys)}: charged in full; report the usage, or make the set with missingUpdate: "charge"`,
    );
    this.keys = keys;
  }
}

/**
 * A request was not granted within `timeoutMs`. Nothing was taken. Try again later, or wait longer; `limitedBy` and the
 * message name the limits that refuse. The error's `name` is `"TimeoutError"`, as that of the platform's own timeouts is.
 */
export class AcquireTimeoutError extends LimitError {
  /** The option `timeoutMs` of the request, in milliseconds. */
  readonly timeoutMs: number;
  /** The keys of the limits that refused at the end. */
  readonly limitedBy: readonly string[];

  constructor(timeoutMs: number, limitedBy: readonly string[]) {
    const by = limitedBy.length > 0 ? `, limited by ${listKeys(limitedBy)}` : "";
    super("ERR_ACQUIRE_TIMEOUT", `not granted within ${timeoutMs} ms${by}`);
    this.name = "TimeoutError";
    this.timeoutMs = timeoutMs;
    this.limitedBy = limitedBy;
  }
}

/**
 * A method of an acquisition was called that holds nothing: it is released already, or its request was refused. Call the method
 * before `release()`; after `tryAcquire`, look at `successful` first.
 */
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

/**
 * The set is closed, or another thread has reclaimed it from this thread. Waiters reject with this error too. Make a new set;
 * in a thread, attach again.
 */
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

/**
 * The set cannot be shared with threads, or its `config` cannot be sent; the message says why. `limitset/port` serves a set
 * without shared memory.
 */
export class CannotShareError extends LimitError {
  constructor(why: string) {
    super("ERR_CANNOT_SHARE", `the limit set cannot be shared with threads: ${why}`);
  }
}

/**
 * All seats of a shared set are taken, or too many handles of it are out. Make the set with a larger `maxThreads`, `close()` it
 * in threads that are done, `reclaim` threads that have ended, and use one handle for many threads.
 */
export class TooManyThreadsError extends LimitError {
  /** The option `maxThreads` of the set. */
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

/**
 * `attachLimits` was called with a value that is no handle, or with a handle that is no longer good: it was reclaimed, its set is
 * gone, or another version of limitset made it. Share the set again, and use one version in all threads.
 */
export class InvalidHandleError extends LimitError {
  constructor(why: string) {
    super("ERR_INVALID_HANDLE", why);
  }
}

/**
 * A set that lives elsewhere cannot be reached: its host or its object has gone, or its server does not answer. Try again later.
 * `cause` is the error that lies behind, where there is one.
 */
export class BackendUnavailableError extends LimitError {
  constructor(message: string, cause?: unknown) {
    super("ERR_BACKEND_UNAVAILABLE", message, cause);
  }
}

/**
 * A set that lives elsewhere is refused there: a right, a password or a command is missing, or its place holds other data. Waiting
 * does not help: the message names the command and the thing to allow. `cause` is the server's own error.
 */
export class BackendRefusedError extends LimitError {
  constructor(message: string, cause?: unknown) {
    super("ERR_BACKEND_REFUSED", message, cause);
  }
}

/**
 * A request waits for its own caller. `acquireSync` throws it if only the thread that it would block could let it pass: nothing was
 * taken, so use `acquire` or `tryAcquire`. The option `onWarning` of the set gets it, once, for a request in the body of a `run` that
 * asks for a resource which the bodies around it hold: the request goes on waiting, since the body may end without awaiting it.
 * Request everything at once, or through the body's acquisition, which does not take again what it holds.
 */
export class DeadlockError extends LimitError {
  constructor(message: string) {
    super("ERR_DEADLOCK", message);
  }
}

/**
 * `acquireSync` would have to wait where the platform lets no thread block: in a page's main thread, in an edge worker. Nothing
 * was taken. Use `acquire` or `tryAcquire`.
 */
export class CannotBlockError extends LimitError {
  constructor() {
    super("ERR_CANNOT_BLOCK", "this thread must not block: use acquire() or tryAcquire() here");
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

  constructor(requested: Readonly<Record<string, number>>) {
    super(
      "WARN_UNRELEASED_ACQUISITION",
      `an acquisition of ${listAmounts(requested)} was dropped without release(): its resources came back only with the garbage; release it, or use \`using\` or run()`,
    );
    this.requested = requested;
  }
}

/**
 * The platform does not let the WebAssembly core be compiled; `cause` is the platform's error. On a page, allow
 * `'wasm-unsafe-eval'` in the Content-Security-Policy. For workerd, bundle with the condition `workerd`.
 */
export class CoreBlockedError extends LimitError {
  constructor(cause: unknown) {
    super(
      "ERR_CORE_BLOCKED",
      `the core's wasm may not be compiled here: on a page, allow it by script-src 'wasm-unsafe-eval' in the Content-Security-Policy; for workerd, bundle with the condition "workerd"`,
      cause,
    );
  }
}

// To write a bigint out takes time that grows with the square of its length.
const LONGEST_BIGINT = 10n ** 100n;

/** The text by which an error message shows a value. It converts no object, whose own conversions might throw. */
export function show(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "bigint") {
    return value < LONGEST_BIGINT && value > -LONGEST_BIGINT ? `${value}n` : "a long bigint";
  }
  if (typeof value === "object" && value !== null) return isArray(value) ? "an array" : "an object";
  if (typeof value === "function") return "a function";
  return String(value);
}

/** `Array.isArray` throws for a proxy that was revoked. */
function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

type AmountsByKey = Readonly<Record<string, number>>;

// A message is for people: it names this many keys, and this much of a text.
const MOST_KEYS = 8;
const LONGEST_TEXT = 100;

/** Keys as an error message lists them: the first few, and how many more there are. */
export function listKeys(keys: readonly string[]): string {
  return listOf(keys, quote);
}

/** Amounts as an error message lists them. */
export function listAmounts(amounts: AmountsByKey): string {
  return listOf(Object.entries(amounts), ([key, amount]) => `${amount} of ${quote(key)}`);
}

function listOf<T>(items: readonly T[], toText: (item: T) => string): string {
  const named = items.slice(0, MOST_KEYS).map(toText).join(", ");
  return items.length > MOST_KEYS ? `${named} and ${items.length - MOST_KEYS} more` : named;
}

function quote(text: string): string {
  return text.length > LONGEST_TEXT
    ? `${JSON.stringify(text.slice(0, LONGEST_TEXT))}... (${text.length} characters)`
    : JSON.stringify(text);
}
