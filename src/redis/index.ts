export { LeaseLostError } from "../acquisition/leased.ts";
export type { WhenAway } from "./away.ts";
export type { IoredisLike, NodeRedisLike, RedisClient } from "./client.ts";
export { DefinitionMismatchError } from "./errors.ts";
export type { RedisLimitSetOptions } from "./options.ts";
export { RedisLimitSet } from "./redis-limit-set.ts";
export type { RedisAcquisition } from "./session.ts";
