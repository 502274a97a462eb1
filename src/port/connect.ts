/** `connectLimits`: the peer's side of a channel, which uses the host's set. */
import { InvalidRequestError, show } from "../errors.ts";
import { checkOptions, invalidRequest } from "../limits/known-options.ts";
import { warnOnce } from "../platform/warning.ts";
import type { ConnectedLimits, ConnectOptions } from "./connected-limits.ts";
import { Connection } from "./connection.ts";
import { type EndpointLike, toEndpoint } from "./endpoint.ts";
import { SILENCE_MS } from "./heartbeat.ts";

/**
 * Connects to the set that the other end of a channel serves. An acquire takes one round trip, a release one message, and
 * `update` none. Operations of one turn of the event loop travel in one message.
 *
 * When the host disappears, all requests that wait reject with `BackendUnavailableError`: at once where the platform tells of the
 * end, within 25 s where it does not. The connection is then over; call `connectLimits` again for another.
 *
 * A host that never answers is given up after `deadlineMs`, and a worker that cannot be loaded at once.
 *
 * @throws {InvalidRequestError} if `endpoint` is not an endpoint, `deadlineMs` is out of bounds, or an option is not known.
 * @example
 * const limits = connectLimits(process); // in a process whose parent has called serveLimits(limits, child)
 * const acquisition = await limits.acquire({ tokens: 500 });
 * acquisition.requested; // { tokens: 500 }
 */
export function connectLimits<M extends string = string, K extends string = M>(
  endpoint: EndpointLike,
  options: ConnectOptions = {},
): ConnectedLimits<M, K> {
  checkOptions("connectLimits", options, ["name", "onWarning", "deadlineMs"], invalidRequest);
  const { name = "", onWarning = warnOnce(), deadlineMs = SILENCE_MS } = options;
  if (!(typeof deadlineMs === "number" && deadlineMs > 0)) {
    throw new InvalidRequestError(
      `deadlineMs must be a number of milliseconds above 0, got ${show(deadlineMs)}`,
    );
  }
  return new Connection<M, K>(toEndpoint(endpoint), { name, onWarning, deadlineMs });
}
