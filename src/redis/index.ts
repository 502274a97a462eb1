/**
 * A set for many machines, on a Redis or Valkey server.
 *
 * @module
 */
export { type LeasedAcquisition, LeaseLostError } from "../acquisition/leased.ts";
export type { WhenAway } from "./away.ts";
export type { IoredisLike, NodeRedisLike, RedisClient, UpstashLike } from "./client.ts";
export type { RedisAcquisition } from "./era-granter.ts";
export { DefinitionMismatchError } from "./errors.ts";
export type { RedisLimitSetOptions } from "./options.ts";
export { RedisLimitSet } from "./redis-limit-set.ts";
export { RedisLimitSetView } from "./redis-limit-set-view.ts";
export { SpreadRedisLimitSet, type SpreadRedisLimitSetOptions } from "./spread-redis-limit-set.ts";
export { SpreadRedisLimitSetView } from "./spread-redis-limit-set-view.ts";
