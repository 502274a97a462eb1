/** The client: forwards requests to the Durable Object that hosts the set. */
import { checkOptions, invalidRequest } from "../limits/known-options.ts";
import type { LimitLike } from "../limits/limits.ts";
import type { ObjectNamespace } from "./bindings.ts";
import { Connection } from "./connection.ts";
import type {
  ConnectDurableOptions,
  DimensionsOf,
  DurableLimits,
  KeysOf,
  MetricsOf,
} from "./durable-limits.ts";
import { DurableSet } from "./durable-set.ts";

/**
 * Connects to the set that the `LimitSetObject` of this name hosts. The type parameter is the class of the object, as
 * `typeof Budget`, or the union of the set's keys. Nothing is sent until you use the limits: connect in each HTTP request that needs
 * them. An acquire is one call of the object, and a release is another.
 *
 * An acquisition ends with the HTTP request that has made it: resources that are still held then come back, and rate limits without
 * a release stay charged in full.
 *
 * Calls are repeated while the object restarts or is out of reach. Once the object was silent for `deadlineMs`, they reject with
 * `BackendUnavailableError`. Calls to an overloaded object do so at once. `close()` releases what this connection holds, and
 * leaves the object as it is.
 *
 * @throws {InvalidRequestError} if `namespace` is no binding of Durable Objects, `name` is empty, `deadlineMs` is out of bounds, or
 * an option is not known.
 * @example
 * const limits = connectDurable<typeof Budget>(env.BUDGET, "model-api");
 * await using acquisition = await limits.acquire({ tokens: 500 });
 * acquisition.requested; // { tokens: 500 }
 */
export function connectDurable<
  S extends string | { readonly limits: readonly LimitLike[] } = string,
  M extends string = MetricsOf<S>,
  K extends string = KeysOf<S>,
  D extends string = DimensionsOf<S>,
>(namespace: ObjectNamespace, name: string, options: ConnectDurableOptions = {}): DurableLimits<M, K, D> {
  checkOptions("connectDurable", options, ["deadlineMs"], invalidRequest);
  const { deadlineMs = 5_000 } = options;
  return new DurableSet<M, K>(new Connection(namespace, name, deadlineMs)) as DurableLimits<
    M,
    K
  > as DurableLimits<M, K, D>;
}
