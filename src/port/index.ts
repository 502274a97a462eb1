export { type ConnectedLimits, type ConnectOptions, connectLimits } from "./connect.ts";
export type { Endpoint, EndpointLike, PortLike, ProcessLike } from "./endpoint.ts";
export { type ServeOptions, type Service, serveLimits } from "./serve.ts";
