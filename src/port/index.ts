/**
 * A set for processes, tabs and threads that share no memory: the host has the set, and its peers use it over a channel.
 *
 * @module
 */
export { type LeasedAcquisition, LeaseLostError } from "../acquisition/leased.ts";
export { connectLimits } from "./connect.ts";
export type { ConnectedLimits, ConnectedView, ConnectOptions } from "./connected-limits.ts";
export type { Endpoint, EndpointLike, PortLike, ProcessLike } from "./endpoint.ts";
export type { ServeOptions } from "./options.ts";
export { type Service, serveLimits } from "./serve.ts";
