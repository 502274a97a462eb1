export { LeaseLostError } from "../leased.ts";
export type { WhenAway } from "./away.ts";
export type { IoredisLike, NodeRedisLike, RedisClient } from "./client.ts";
export { DefinitionMismatchError } from "./errors.ts";
export { RedisLimitSet, type RedisLimitSetOptions } from "./redis-limit-set.ts";
export type { RedisAcquisition } from "./session.ts";
