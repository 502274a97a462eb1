/**
 * Sets for all HTTP requests of a Worker, wherever they are answered: a Durable Object hosts each set.
 *
 * @module
 */
export { type LeasedAcquisition, LeaseLostError } from "../acquisition/leased.ts";
export type {
  ObjectId,
  ObjectNamespace,
  ObjectSql,
  ObjectSqlCursor,
  ObjectSqlValue,
  ObjectState,
  ObjectStorage,
} from "./bindings.ts";
export { connectDurable } from "./connect.ts";
export type {
  ConnectDurableOptions,
  DimensionsOf,
  DurableAcquisition,
  DurableLimits,
  KeysOf,
  MetricsOf,
} from "./durable-limits.ts";
export { CannotHostError } from "./errors.ts";
export { LimitSetObject, type LimitSetObjectOptions } from "./object.ts";
