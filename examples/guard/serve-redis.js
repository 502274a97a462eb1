// One process of the server, of which there may be others on other machines: the limits are on a Redis server.
import process from "node:process";
import { Redis } from "ioredis";
import { RedisLimitSet } from "limitset/redis";
import { capacitiesOf, limitsOf } from "./limits.js";
import { serve } from "./service.js";

const client = new Redis(Number(process.env["REDIS_PORT"] ?? 6379), "127.0.0.1");
const definitions = limitsOf(capacitiesOf(process.env["CAPACITIES"]));
const limits = new RedisLimitSet({ name: "guard", client, limits: definitions });

serve(limits);
