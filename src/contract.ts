/** The contract of every backend: code that takes a `Limits` runs on any of them. */
import type { Amounts } from "./limits/amounts.ts";
import type { RedefineOptions, Redefinition } from "./limits/era.ts";
import type { Limit } from "./limits/limits.ts";
import type { PartitionNames, ViewOptions } from "./limits/partition-names.ts";
import type { LimitStats } from "./limits/stats.ts";

export type { Amounts, PartitionNames, ViewOptions };

// Compilers before 5.2, and all without `ESNext.Disposable` in their `lib`, know no such symbols. Where they do, these are the same.
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}

/** How a request waits for its turn. */
export interface AcquireOptions {
  /** The longest wait, in milliseconds; 0 tries once. Default: no end. */
  readonly timeoutMs?: number | undefined;
  /**
   * Ends the wait when it aborts: the promise then rejects with the signal's reason, and nothing is taken. It does nothing to
   * an acquisition that is granted already. Default: none.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Requests of a higher priority go first; those of one priority go in the order in which they came. Any number; with the set's
   * option `agingMs`, a wait of so many milliseconds counts as much as a priority of 1. Default: 0.
   */
  readonly priority?: number | undefined;
  /**
   * The longest wait, in milliseconds, that is worth to begin: a request that would wait for longer, as far as that is known, rejects at
   * once. The time until a release is not known. A wait that has begun ends after so many milliseconds, as with `timeoutMs`.
   * Default: no end.
   */
  readonly maxWaitMs?: number | undefined;
}

/** A value, or a promise of it where the set lives elsewhere: `await` takes both. */
export type Awaitable<T> = T | PromiseLike<T>;

/** `K`, or any other string: for answers of a set that may have more than `K`. */
export type OrMore<K extends string> = K | (string & Record<never, never>);

/**
 * A granted request, until its release; or the refusal of a `tryAcquire`.
 *
 * @example
 * const acquisition = await limits.acquire({ tokens: 500 });
 * try {
 *   const answer = await callApi();
 *   acquisition.update({ tokens: answer.tokensUsed });
 * } finally {
 *   acquisition.release();
 * }
 * acquisition.requested.tokens; // 500
 */
export interface Acquisition<M extends string = string, K extends string = OrMore<M>> {
  /** Whether the request was granted. False only from `tryAcquire`: a refusal holds nothing, and its methods do nothing. */
  readonly successful: boolean;
  /** The amounts that were taken, by key, with those that the request did not name. Empty if refused. */
  readonly requested: Readonly<Partial<Record<M, number>>>;
  /**
   * 0 if granted. Else the milliseconds until the request could pass; `Infinity` if it needs a release. Waiters that came
   * before it count.
   */
  readonly retryAfterMs: number;
  /**
   * The keys of the limits that refused: first those that would have refused even if no waiter stood before the request. Empty if
   * granted.
   */
  readonly limitedBy: readonly K[];
  /** How many waiters stood before a request that was refused, at that of these limits at which most did. 0 if granted. */
  readonly ahead: number;
  /** For how long the request waited before it was granted, in milliseconds. */
  readonly waitedMs: number;
  /** A copy of the set's `config`, which the caller may change. */
  readonly config: Record<string, unknown>;
  /**
   * Reports the usage: the amounts that were really used. Every RateLimit that was taken needs it before the release, in one
   * call or in several; the last value of a key counts. At the release unused amounts go back, of token buckets and GCRA
   * limits. On a refusal it does nothing.
   *
   * @throws {UsageExceedsRequestedError} if usage is above the request, unless the limit has `overage: "debt"`.
   * @throws {InvalidRequestError} for an unknown key, a ResourceLimit, or a value that is no amount. Then nothing is recorded.
   * @throws {AcquisitionReleasedError} after the release.
   * @example
   * const acquisition = await limits.acquire({ tokens: 500 });
   * acquisition.update({ tokens: 37 });
   * acquisition.release(); // 463 tokens go back
   */
  update(usage: Amounts<M>): void;
  /**
   * Acquires more on top of this acquisition: a nested request. It takes 1 of each CallLimit and ResourceLimit that it does not
   * name, except of those that this acquisition holds already. It passes waiters that wait for a release, since that release
   * may be this acquisition's own.
   *
   * @throws {AcquisitionReleasedError} after the release, and on a refusal.
   * @throws all that `acquire` of the set throws.
   * @example
   * const outer = await limits.acquire({ connections: 1, tokens: 10 });
   * const inner = await outer.acquire({ tokens: 5 });
   * inner.requested; // { tokens: 5 }
   */
  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<Acquisition<M, K>>;
  /**
   * Gives back the resources and the unused amounts. A second release does nothing.
   *
   * @throws {UsageNotReportedError} if the usage of a RateLimit is missing and the set has `missingUpdate: "throw"`. All is
   * settled nevertheless: that limit is charged in full.
   */
  release(): void;
  /** Releases at the end of a scope: `using acquisition = await limits.acquire()`. */
  [Symbol.dispose](): void;
  /** Releases at the end of a scope: `await using acquisition = await limits.acquire()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The answer to a `peek`: as a try at that moment would have it.
 *
 * @example
 * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 4, windowMs: 1000 })] });
 * const { successful, retryAfterMs }: Prospect = limits.peek({ call_count: 4 });
 * successful; // true
 * retryAfterMs; // 0
 */
export interface Prospect<K extends string = string> {
  /** Whether a try would be granted. */
  readonly successful: boolean;
  /** 0 if it would. Else the milliseconds until it could pass; `Infinity` if it needs a release. Waiters that came before it count. */
  readonly retryAfterMs: number;
  /** The keys of the limits that refuse: first those that would refuse even if no waiter stood before. Empty if granted. */
  readonly limitedBy: readonly K[];
  /** How many waiters stand before, at that of these limits at which most do. 0 if granted. */
  readonly ahead: number;
}

/** A limit's definition, and its `stats()`. */
export type LimitView<S extends Awaitable<LimitStats> = Awaitable<LimitStats>> = Limit & {
  /** The limit's state at this moment. Reading changes nothing. */
  stats(): S;
};

/** The stats of a set that has the keys `K`, and perhaps more. */
export type StatsByKey<K extends string> = Readonly<Record<K, LimitStats>> &
  Readonly<Record<string, LimitStats>>;

/**
 * A set of limits, wherever it lives. Code that takes a `Limits` and awaits its answers runs on every backend.
 *
 * `M` are the metrics that requests name, and `K` the keys of the limits, by which `stats` answers: by default the same names. A function of
 * `Limits<"tokens", never>` takes every set that has tokens, whatever its limits are called.
 *
 * @example
 * async function tokensLeft(set: Limits<"tokens">): Promise<number> {
 *   return (await set.stats()).tokens.available;
 * }
 * const set = new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 })] });
 * await tokensLeft(set); // 100
 */
export interface Limits<M extends string = string, K extends string = M> {
  /** The keys of the limits, in the order of their definition. */
  readonly keys: readonly OrMore<K>[];
  /** A frozen copy of the option `config`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** How many requests of this side wait, for whatever partition. Where the set lives elsewhere, also those whose answer is under way. */
  readonly waiting: number;
  /**
   * Takes the named amounts, and 1 of every CallLimit and ResourceLimit that is not named: all or nothing. Waits for its turn
   * if need be.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or more than could ever pass.
   * @throws {AcquireTimeoutError} if it is not granted within `timeoutMs`.
   * @throws {LimitSetClosedError} if the set is closed, also while it waits.
   * @throws {BackendUnavailableError} if the set lives elsewhere and cannot be reached.
   * @throws {BackendRefusedError} if the set lives elsewhere and a right is missing there.
   * @throws the signal's reason if the signal aborts.
   * @example
   * const acquisition = await limits.acquire({ tokens: 500 }, { timeoutMs: 10_000 });
   * acquisition.requested.tokens; // 500
   */
  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<Acquisition<M, OrMore<K>>>;
  /**
   * Takes now, or not at all. A refusal is an answer: `successful` is false, `retryAfterMs` and `limitedBy` say why. A try
   * passes waiters only where it delays none of them.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or more than could ever pass.
   * @throws {LimitSetClosedError} if the set is closed.
   * @throws {BackendUnavailableError} if the set lives elsewhere and cannot be reached.
   * @example
   * const tried = await limits.tryAcquire({ tokens: 500 });
   * tried.successful ? "go" : `again in ${tried.retryAfterMs} ms`; // "go"
   */
  tryAcquire(requested?: Amounts<M>): Awaitable<Acquisition<M, OrMore<K>>>;
  /**
   * Tells what `tryAcquire` would answer now, and takes nothing.
   *
   * @throws all that `tryAcquire` throws.
   * @example
   * (await limits.peek({ tokens: 500 })).successful; // true
   */
  peek(requested?: Amounts<M>): Awaitable<Prospect<OrMore<K>>>;
  /**
   * Acquires, runs `body`, releases, and resolves to the value of `body`. An error of `body` wins over one of the release. If the
   * signal aborts before `body` begins, `body` does not run, and all comes back.
   *
   * @throws all that `acquire` and `body` throw.
   * @throws {UsageNotReportedError} if `body` has not reported the usage of a RateLimit.
   * @example
   * await limits.run({ tokens: 500 }, async (acquisition) => {
   *   const answer = await callApi();
   *   acquisition.update({ tokens: answer.tokensUsed });
   *   return answer.text;
   * }); // the answer's text
   */
  run<T>(
    requested: Amounts<M> | undefined,
    body: (acquisition: Acquisition<M, OrMore<K>>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  /**
   * A view of the set, which takes from the limits of all, and from those of the partitions that it names, all or nothing. Without names it
   * is the set itself. A name that is `null` leaves the limits of its dimension out.
   *
   * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
   * @example
   * const alice = limits.for({ user: "alice" });
   * (await alice.tryAcquire({ tokens: 5 })).successful; // true
   */
  for(names: PartitionNames, options?: ViewOptions): Limits<M, K>;
  /**
   * The state of all limits at one moment, by key. Reading changes nothing.
   *
   * @throws {LimitSetClosedError} if the set is closed.
   * @throws {BackendUnavailableError} if the set lives elsewhere and cannot be reached.
   * @example
   * (await limits.stats()).tokens.available; // 60
   */
  stats(): Awaitable<StatsByKey<K>>;
  /**
   * The definition of one limit, and its `stats()`.
   *
   * @throws {InvalidRequestError} for an unknown key.
   * @example
   * limits.get("tokens").capacity; // 100
   */
  get(key: OrMore<K>): LimitView;
  /**
   * Pauses the limits of these keys, or all limits: nothing that takes of them passes for so many milliseconds. Requests wait meanwhile.
   * A later pause never shortens one; `Infinity` is a pause until `resume`.
   *
   * @throws {InvalidRequestError} for an unknown key, or milliseconds below 0.
   * @throws {LimitSetClosedError} if the set is closed.
   * @throws {BackendUnavailableError} if the set lives elsewhere and cannot be reached, or has a version without this method.
   * @example
   * await limits.pause(1000, ["tokens"]);
   * (await limits.peek({ tokens: 1 })).retryAfterMs; // 1000
   */
  pause(ms: number, keys?: readonly OrMore<K>[]): Awaitable<void>;
  /**
   * Ends the pause of the limits of these keys, or of all limits.
   *
   * @throws all that `pause` throws.
   * @example
   * await limits.resume(["tokens"]);
   * (await limits.tryAcquire({ tokens: 1 })).successful; // true
   */
  resume(keys?: readonly OrMore<K>[]): Awaitable<void>;
  /**
   * Charges amounts that were used without a request, elsewhere for example: they count at once, and what is available may fall below 0.
   *
   * @throws {InvalidRequestError} for an unknown key, a ResourceLimit, or a value that is no amount. Then nothing is charged.
   * @throws all that `pause` throws.
   * @example
   * await limits.charge({ tokens: 500 });
   * (await limits.stats()).tokens.used; // 500
   */
  charge(amounts: Amounts<M>): Awaitable<void>;
  /**
   * Leaves at most these amounts, by the keys of limits: for a server that says how much is left. It never raises what is available.
   *
   * @throws {InvalidRequestError} for an unknown key, a ResourceLimit, or a value that is no amount. Then nothing is lowered.
   * @throws all that `pause` throws.
   * @example
   * await limits.lower({ tokens: 30 });
   * (await limits.stats()).tokens.available; // 30
   */
  lower(available: Amounts<OrMore<K>>): Awaitable<void>;
  /**
   * Makes the limits of these keys, or all limits, as if they had never been used. Resources in use stay in use, a pause goes on, and
   * acquisitions from before give nothing back.
   *
   * @throws all that `pause` throws.
   * @example
   * await limits.reset(["tokens"]);
   * (await limits.stats()).tokens.used; // 0
   */
  reset(keys?: readonly OrMore<K>[]): Awaitable<void>;
  /**
   * Gives the set other limits. What is used of a limit stays used under its new definition, whatever its algorithm is then. Open
   * acquisitions go on; resources in use are never taken away. Waiters wait for the new limits: those that can go now go at once, and
   * those that could never pass reject with `InvalidRequestError`. A limit that is left out ends, and one that is added begins. A bad
   * definition changes nothing.
   *
   * @param limits All limits that the set has from now on, or a function that makes them of the present ones. Where the set lives
   * elsewhere and is redefined there meanwhile, the function is called again.
   * @throws {InvalidLimitError} if a definition is out of bounds, or two limits have the same key.
   * @throws {InvalidRequestError} if an option makes no sense.
   * @throws {LimitSetClosedError} if the set is closed.
   * @throws {BackendUnavailableError} if the set lives elsewhere and cannot be reached, or has a version without this method.
   * @example
   * await limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: 2 * limit.capacity })));
   * limits.get("tokens").capacity; // 200
   */
  redefine(limits: Redefinition, options?: RedefineOptions): Awaitable<void>;
  /** Closes the set here: waiters reject with `LimitSetClosedError`, and held resources come back. A second call does nothing. */
  close(): Awaitable<void>;
}
