/** What every backend implements: code that takes a `Limits` runs on any of them. */
import type { Amounts } from "./limits/amounts.ts";
import type { Limit } from "./limits/limits.ts";
import type { LimitStats } from "./limits/stats.ts";

export type { Amounts };

/** How a request waits. */
export interface AcquireOptions {
  /** How long to wait at most, in milliseconds: 0 tries once, default for ever. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A value now, or a promise of it where a set lives elsewhere. */
export type Awaitable<T> = T | PromiseLike<T>;

/** What was acquired, until its release. */
export interface Acquisition<K extends string = string> {
  /** False only from `tryAcquire`. What was refused holds nothing, and does nothing when used. */
  readonly successful: boolean;
  /** What was taken, automatic amounts included; empty if unsuccessful. */
  readonly requested: Readonly<Partial<Record<K, number>>>;
  /** 0 if successful; else how long, in milliseconds, until it could pass; Infinity if that hangs on a release. */
  readonly retryAfterMs: number;
  /** The limits that refused. */
  readonly limitedBy: readonly K[];
  /** A copy of the set's `config`. */
  readonly config: Record<string, unknown>;
  /**
   * Reports what was really used: of every RateLimit taken, before the release, in one call or several; the last value
   * of a key counts. What was not used goes back at release, for token bucket and GCRA.
   *
   * @throws {UsageExceedsRequestedError} above the request, unless the limit has `overage: "debt"`.
   * @throws {InvalidRequestError} for an unknown key, a ResourceLimit, or what is no amount. All or nothing is recorded.
   * @throws {AcquisitionReleasedError} after release.
   */
  update(usage: Amounts<K>): void;
  /**
   * Takes more on top of what is held: does not automatically take again what this acquisition already holds, and
   * does not wait behind requests that wait for a resource, since that may be the one held here.
   */
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<Acquisition<K>>;
  /**
   * Gives back the resources and what was not used. Again: does nothing.
   *
   * @throws {UsageNotReportedError} if the usage of a RateLimit is missing; all is settled nevertheless.
   */
  release(): void;
  /** Releases, at the end of a scope: `using acquisition = await limits.acquire()`. */
  [Symbol.dispose](): void;
  /** Releases, at the end of a scope: `await using acquisition = await limits.acquire()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A limit's definition, and how it stands. */
export type LimitView<S extends Awaitable<LimitStats> = Awaitable<LimitStats>> = Limit & {
  /** How the limit stands now. Reading changes nothing. */
  stats(): S;
};

/** A set of limits, wherever it lives. Code that takes a `Limits` and awaits its answers runs on every backend. */
export interface Limits<K extends string = string> {
  /** The keys of the limits, in the order of their definition. */
  readonly keys: readonly K[];
  /** What the set was made with, frozen. */
  readonly config: Readonly<Record<string, unknown>>;
  /**
   * Takes the amounts named, plus 1 of every CallLimit and ResourceLimit not named, all or nothing; waits for its turn if
   * need be.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or more than could ever pass.
   * @throws {AcquireTimeoutError} if not granted within `timeoutMs`.
   * @throws {LimitSetClosedError} if the set is closed, also while waiting.
   * @throws {BackendUnavailableError} if the set lives elsewhere and cannot be reached.
   * @throws the signal's reason if it aborts.
   */
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<Acquisition<K>>;
  /**
   * Takes now or not at all. A refusal is an answer: `successful` is false, and `retryAfterMs` and `limitedBy` say why. It does
   * not pass waiters that want one of the same limits.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or more than could ever pass.
   * @throws {BackendUnavailableError} if the set lives elsewhere and cannot be reached.
   */
  tryAcquire(requested?: Amounts<K>): Awaitable<Acquisition<K>>;
  /**
   * Acquires, runs `body`, releases, and resolves to what `body` returns. Rejects with the error of `body`; without one, with
   * `UsageNotReportedError` if usage is missing.
   */
  run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: Acquisition<K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  /** How all limits stand, at one moment. Reading changes nothing. */
  stats(): Awaitable<Readonly<Record<K, LimitStats>>>;
  /**
   * The definition of one limit, and its `stats()`.
   *
   * @throws {InvalidRequestError} for an unknown key.
   */
  get(key: K): LimitView;
  /** Ends the use of the set here: waiters reject with `LimitSetClosedError`. Again: does nothing. */
  close(): Awaitable<void>;
}
