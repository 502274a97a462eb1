/** What every backend implements: code that takes a `Limits` runs on any of them. */
import type { Amounts } from "./limits/amounts.ts";
import type { Limit } from "./limits/limits.ts";
import type { LimitStats } from "./limits/stats.ts";

export type { Amounts };

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
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A limit's definition, and how it stands. */
export type LimitView<S extends Awaitable<LimitStats> = Awaitable<LimitStats>> = Limit & { stats(): S };

export interface Limits<K extends string = string> {
  readonly keys: readonly K[];
  /** What the set was made with, frozen. */
  readonly config: Readonly<Record<string, unknown>>;
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<Acquisition<K>>;
  tryAcquire(requested?: Amounts<K>): Awaitable<Acquisition<K>>;
  run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: Acquisition<K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  stats(): Awaitable<Readonly<Record<K, LimitStats>>>;
  get(key: K): LimitView;
  close(): Awaitable<void>;
}
