/** The set of a peer: its methods, and the options of its connection. */
import type { LeasedAcquisition } from "../acquisition/leased.ts";
import type {
  AcquireOptions,
  Amounts,
  Awaitable,
  Limits,
  LimitView,
  OrMore,
  PartitionNames,
  Prospect,
  ViewOptions,
} from "../contract.ts";
import type { LimitError } from "../errors.ts";
import type { RedefineOptions, Redefinition } from "../limits/era.ts";
import type { LimitStats } from "../limits/stats.ts";
import type { PartitionCounts } from "../views/shape.ts";

/** Options of `connectLimits`. */
export interface ConnectOptions {
  /**
   * The name of the set, by which one channel carries several: the name that the host has given to `serveLimits`. Default: `""`.
   */
  readonly name?: string;
  /**
   * Called with an `UnreleasedAcquisitionWarning` for each acquisition of this side that was garbage-collected without a
   * release; its resources have come back. And with a `DeadlockError` for each request in the body of a `run` of this side that
   * waits for that body. Default: the first warning of each kind goes to the platform (`process.emitWarning` or `console.warn`).
   */
  readonly onWarning?: (warning: LimitError) => void;
  /**
   * How long the host may take to answer for the first time, in milliseconds. After that the connection ends with a
   * `BackendUnavailableError`. Above 0; `Infinity` for a host that may start at any time. Default: 25,000.
   */
  readonly deadlineMs?: number;
}

/** A view of a set that another thread, process or page has: `for` of a `ConnectedLimits` makes it. Its methods ask the host. */
export interface ConnectedView<M extends string = string, K extends string = M> extends Limits<M, K> {
  /**
   * A view that names partitions, or more of them: the names travel with each request. Before `ready` has resolved, a dimension that no
   * limit has is an error of the requests only. Requests reject with `BackendUnavailableError` if the host's version knows no `for`.
   *
   * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
   * @example
   * (await limits.for({ user: "alice" }).tryAcquire({ tokens: 5 })).successful; // true
   */
  for(names: PartitionNames, options?: ViewOptions): ConnectedView<M, K>;
  /** Like `acquire` of a `LimitSet`. The acquisition has a `signal`, which aborts if what it holds is lost. */
  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<LeasedAcquisition<M, K>>;
  /** Like `tryAcquire` of a `LimitSet`, after one round trip. */
  tryAcquire(requested?: Amounts<M>): Promise<LeasedAcquisition<M, K>>;
  /**
   * Like `peek` of a `LimitSet`, after one round trip. Rejects with `BackendUnavailableError` if the host has a version that knows no
   * `peek`.
   */
  peek(requested?: Amounts<M>): Promise<Prospect<K>>;
  /** Like `run` of a `LimitSet`. */
  run<T>(
    requested: Amounts<M> | undefined,
    body: (acquisition: LeasedAcquisition<M, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  /** The statistics of the host's set, by key. */
  stats(): Promise<Readonly<Record<K, LimitStats>>>;
  /**
   * A limit's definition, and `stats()` that asks the host.
   *
   * @throws {InvalidRequestError} for a key that the set has not.
   * @throws {BackendUnavailableError} before `ready` has resolved.
   */
  get(key: K): LimitView<Promise<LimitStats>>;
  /** Like `pause` of a `LimitSet`. Like all changes it rejects with `BackendUnavailableError` if the host's version knows none. */
  pause(ms: number, keys?: readonly OrMore<K>[]): Promise<void>;
  /** Like `resume` of a `LimitSet`. */
  resume(keys?: readonly OrMore<K>[]): Promise<void>;
  /** Like `charge` of a `LimitSet`. */
  charge(amounts: Amounts<K>): Promise<void>;
  /** Like `lower` of a `LimitSet`. */
  lower(available: Amounts<OrMore<K>>): Promise<void>;
  /** Like `reset` of a `LimitSet`. */
  reset(keys?: readonly OrMore<K>[]): Promise<void>;
}

/** A set that another thread, process or page has. Its methods ask that host, and so return promises. */
export interface ConnectedLimits<M extends string = string, K extends string = M>
  extends ConnectedView<M, K> {
  /**
   * Resolves when the host has answered for the first time; rejects with a `LimitError` if the connection ends before: with a
   * `BackendUnavailableError` if the host's worker cannot be loaded or has not answered within `deadlineMs`. `keys`, `config` and `get` throw until then. All other methods await it by themselves.
   */
  readonly ready: Promise<void>;
  /**
   * Of each dimension, how many partitions of the host's set have a state to themselves, how many may, and whether others share one now. Each
   * read asks the host. Rejects with `BackendUnavailableError` if the host's version cannot tell.
   *
   * @throws {InvalidRequestError} if the host serves a set that does not count its partitions, as one on Redis.
   * @example
   * (await limits.partitions).user; // { count: 3, max: 100_000, shared: false }
   */
  readonly partitions: Promise<PartitionCounts<string>>;
  /**
   * Like `redefine` of a `LimitSet`, for the set of the host and all its peers. The function form runs on this side, and again if the
   * set was redefined meanwhile. Rejects with `BackendUnavailableError` if the host's version knows no `redefine`.
   */
  redefine(limits: Redefinition, options?: RedefineOptions): Promise<void>;
  /**
   * Ends the connection. Requests that wait reject with `LimitSetClosedError`, held resources come back, and the host's set
   * stays open. Calling it again does nothing.
   */
  close(): void;
}
