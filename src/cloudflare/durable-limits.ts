/** The contract of a set that a Durable Object hosts. */

import type { LeasedAcquisition } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts, Awaitable, Limits, LimitView, OrMore, Prospect } from "../contract.ts";
import type { RedefineOptions, Redefinition } from "../limits/era.ts";
import type { PartitionNames, ViewOptions } from "../limits/partition-names.ts";
import type { LimitStats } from "../limits/stats.ts";
import type { PartitionCounts } from "../views/shape.ts";

/** Options of `connectDurable`. */
export interface ConnectDurableOptions {
  /**
   * How long the object may stay silent before it counts as out of reach, in milliseconds, above 0 and at most 2,147,483,647.
   * Default 5000. It does not limit how long a request waits for its turn: `timeoutMs` of `acquire` does.
   */
  readonly deadlineMs?: number;
}

/** An acquisition of a set that a Durable Object hosts. Its `signal` aborts when its lease is lost. */
export type DurableAcquisition<M extends string = string, K extends string = OrMore<M>> = LeasedAcquisition<
  M,
  K
>;

/**
 * The keys of an object's limits: those of the static `limits` of a class, given as `typeof Budget`, or a union of strings as it is.
 * `string` where the type does not tell.
 */
export type KeysOf<S> = S extends string
  ? S
  : S extends { readonly limits: readonly (infer L)[] }
    ? L extends { readonly key: infer K extends string }
      ? K
      : L extends { readonly type: "call" }
        ? "call_count"
        : string
    : string;

/**
 * The metrics of an object's limits, which requests name: of the static `limits` of a class, given as `typeof Budget`, or a union of
 * strings as it is. `string` where the type does not tell.
 */
export type MetricsOf<S> = S extends string
  ? S
  : S extends { readonly limits: readonly (infer L)[] }
    ? L extends { readonly counts: infer M extends string }
      ? M
      : L extends { readonly type: "call" }
        ? "call_count"
        : L extends { readonly key: infer K extends string }
          ? K
          : string
    : string;

/**
 * The dimensions of an object's limits, which views name: of the static `limits` of a class, given as `typeof Budget`. `string` where the
 * type does not tell.
 */
export type DimensionsOf<S> = S extends string
  ? string
  : S extends { readonly limits: readonly (infer L)[] }
    ? L extends { readonly per?: infer D }
      ? Extract<D, string>
      : never
    : string;

/** A set that a Durable Object hosts, as `connectDurable` returns it. */
export interface DurableLimits<M extends string = string, K extends string = M, D extends string = string>
  extends Limits<M, K> {
  /**
   * Resolves when the set's limits are known; asks the object for them if need be. Await it before you use `keys`, `config` or
   * `get()`, which throw `BackendUnavailableError` until then. All else asks by itself.
   *
   * @throws {BackendUnavailableError} if the object cannot be reached.
   * @throws {LimitSetClosedError} after `close()`, if the limits are not known yet.
   * @example
   * await limits.ready;
   * limits.keys; // ["tokens", "connections"]
   */
  readonly ready: Promise<void>;
  /**
   * Of each dimension, how many partitions of the object's set have a state to themselves, how many may, and whether others share one now.
   * Each read asks the object.
   *
   * @throws {BackendUnavailableError} if the object cannot be reached, or has a version that cannot tell.
   * @example
   * (await limits.partitions).user; // { count: 3, max: 100_000, shared: false }
   */
  readonly partitions: Promise<PartitionCounts<D>>;
  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<DurableAcquisition<M, K>>;
  tryAcquire(requested?: Amounts<M>): Promise<DurableAcquisition<M, K>>;
  peek(requested?: Amounts<M>): Promise<Prospect<K>>;
  /**
   * Acquires, runs `body`, releases, waits until the object has taken the release, and resolves to the result of `body`. Rejects
   * with the error of `body`; without one, with `UsageNotReportedError` if usage is missing.
   */
  run<T>(
    requested: Amounts<M> | undefined,
    body: (acquisition: DurableAcquisition<M, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  stats(): Promise<Readonly<Record<K, LimitStats>>>;
  /**
   * Like `for` of a `LimitSet`: a view, which takes from the partitions that it names. It costs no call. While the limits are not known
   * yet, names are checked by the first request. A view is neither closed nor redefined.
   *
   * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
   * @example
   * const alice = connectDurable<typeof Budget>(env.BUDGET, "model-api").for({ user: "alice" });
   * (await alice.tryAcquire({ tokens: 5 })).successful; // true
   */
  for(names: PartitionNames<D>, options?: ViewOptions): DurableLimits<M, K, D>;
  get(key: K): LimitView<Promise<LimitStats>>;
  /** Like `pause` of a `LimitSet`. Like all changes it rejects with `BackendUnavailableError` if the object's version knows none. */
  pause(ms: number, keys?: readonly OrMore<K>[]): Promise<void>;
  /** Like `resume` of a `LimitSet`. */
  resume(keys?: readonly OrMore<K>[]): Promise<void>;
  /** Like `charge` of a `LimitSet`. */
  charge(amounts: Amounts<K>): Promise<void>;
  /** Like `lower` of a `LimitSet`. */
  lower(available: Amounts<OrMore<K>>): Promise<void>;
  /** Like `reset` of a `LimitSet`. */
  reset(keys?: readonly OrMore<K>[]): Promise<void>;
  /**
   * Like `redefine` of a `LimitSet`, for the set of the object and all its clients, over all restarts of the object. Other clients hear
   * of it with their next answer. The function form runs on this side, and again if the set was redefined meanwhile. Rejects with
   * `BackendUnavailableError` if the object's version knows no `redefine`.
   */
  redefine(limits: Redefinition, options?: RedefineOptions): Promise<void>;
  /**
   * Ends this connection; the object goes on. Requests that wait reject with `LimitSetClosedError`. Acquisitions of this connection
   * are released, and their rate limits are charged in full. Resolves when the object has taken the releases, or cannot be
   * reached. A second call does nothing.
   */
  close(): Promise<void>;
}
