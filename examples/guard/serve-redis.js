// One process of the server, of which there may be others on other machines: the limits are on a Redis server.
import process from "node:process";
import { Redis } from "ioredis";
import { RedisLimitSet } from "limitset/redis";
import { capacitiesOf, limitsOf } from "./limits.js";
import { serve } from "./service.js";

const client = new Redis(Number(process.env["REDIS_PORT"] ?? 6379), "127.0.0.1");
// There are no limits per user on Redis yet.
const ofAll = limitsOf(capacitiesOf(process.env["CAPACITIES"])).filter(({ per }) => per === undefined);
const limits = new RedisLimitSet({ name: "guard", client, limits: ofAll });

serve(limits, false);
