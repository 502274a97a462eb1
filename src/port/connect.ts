/** `connectLimits`: the peer's side of a channel, which uses the host's set. */
import type { Acquisition, Amounts, Limits, LimitView } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { checkOptions, invalidRequest } from "../limits/known-options.ts";
import type { LimitStats } from "../limits/stats.ts";
import { warnOnce } from "../platform/warning.ts";
import { Connection } from "./connection.ts";
import { type EndpointLike, toEndpoint } from "./endpoint.ts";

/** Options of `connectLimits`. */
export interface ConnectOptions {
  /**
   * The name of the set, by which one channel carries several: the name that the host has given to `serveLimits`. Default: `""`.
   */
  readonly name?: string;
  /**
   * Called with an `UnreleasedAcquisitionWarning` for each acquisition of this side that was garbage-collected without a
   * release; its resources have come back. Default: the first such warning goes to the platform (`process.emitWarning` or
   * `console.warn`).
   */
  readonly onWarning?: (warning: LimitError) => void;
}

/** A set that another thread, process or page has. Its methods ask that host, and so return promises. */
export interface ConnectedLimits<K extends string = string> extends Limits<K> {
  /**
   * Resolves when the host has answered for the first time; rejects with a `LimitError` if the connection ends before. `keys`,
   * `config` and `get` throw until then. All other methods await it by themselves.
   */
  readonly ready: Promise<void>;
  /** Like `tryAcquire` of a `LimitSet`, after one round trip. */
  tryAcquire(requested?: Amounts<K>): Promise<Acquisition<K>>;
  /** The statistics of the host's set, by key. */
  stats(): Promise<Readonly<Record<K, LimitStats>>>;
  /**
   * A limit's definition, and `stats()` that asks the host.
   *
   * @throws {InvalidRequestError} for a key that the set has not.
   * @throws {BackendUnavailableError} before `ready` has resolved.
   */
  get(key: K): LimitView<Promise<LimitStats>>;
  /**
   * Ends the connection. Requests that wait reject with `LimitSetClosedError`, held resources come back, and the host's set
   * stays open. Calling it again does nothing.
   */
  close(): void;
}

/**
 * Connects to the set that the other end of a channel serves. An acquire takes one round trip, a release one message, and
 * `update` none. Operations of one turn of the event loop travel in one message.
 *
 * When the host disappears, all requests that wait reject with `BackendUnavailableError`: at once where the platform tells of the
 * end, within 25 s where it does not. The connection is then over; call `connectLimits` again for another.
 *
 * @throws {InvalidRequestError} if `endpoint` is not an endpoint, or an option is not known.
 * @example
 * const limits = connectLimits(process); // in a process whose parent has called serveLimits(limits, child)
 * const acquisition = await limits.acquire({ tokens: 500 });
 * acquisition.requested; // { tokens: 500 }
 */
export function connectLimits<K extends string = string>(
  endpoint: EndpointLike,
  options: ConnectOptions = {},
): ConnectedLimits<K> {
  checkOptions("connectLimits", options, ["name", "onWarning"], invalidRequest);
  const { name = "", onWarning = warnOnce() } = options;
  return new Connection<K>(toEndpoint(endpoint), name, onWarning);
}
