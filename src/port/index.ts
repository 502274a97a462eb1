/**
 * A set for processes, tabs and threads without shared memory: one side has it, the others ask it over a channel.
 *
 * @module
 */
export { type ConnectedLimits, type ConnectOptions, connectLimits } from "./connect.ts";
export type { Endpoint, EndpointLike, PortLike, ProcessLike } from "./endpoint.ts";
export { type ServeOptions, type Service, serveLimits } from "./serve.ts";
