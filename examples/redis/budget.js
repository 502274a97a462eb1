import { CallLimit, RateLimit, ResourceLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";

/** The set that all machines share: each uses the same name and the same limits. @param {import("limitset/redis").RedisClient} client */
export function openBudget(client) {
  return new RedisLimitSet({
    name: "model-api",
    client,
    leaseMs: 1_000,
    limits: [
      new CallLimit({ capacity: 200, windowMs: 1_000 }),
      new RateLimit({ key: "tokens", capacity: 20_000, windowMs: 1_000 }),
      new ResourceLimit({ key: "connections", capacity: 10 }),
    ],
  });
}
