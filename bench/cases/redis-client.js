// A process of the section on Redis. It takes from one hot key, and reports how long each answer took.
import process from "node:process";
import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "ioredis";
import { RateLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import { HOUR_MS, PLENTY } from "../sets.js";

const client = new Redis(Number(process.argv[2]), "127.0.0.1");

/** Takes of so many out of `DEEP` an hour leave more debt than leaks meanwhile: the state has all that it can have. */
const DEEP = 1e12;
const MUCH = 1e6;

/** @param {string} name @param {readonly string[]} keys @param {number} [capacity] */
const setOf = (name, keys, capacity = PLENTY) =>
  new RedisLimitSet({
    name,
    client,
    limits: keys.map((key) => new RateLimit({ key, capacity, windowMs: HOUR_MS })),
    missingUpdate: "charge",
  });
const FOUR = ["input", "output", "bytes", "cents"];
/** @param {number} amount */
const each = (amount) => Object.fromEntries(FOUR.map((key) => [key, amount]));
const one = setOf("one", ["tokens"]);
const four = setOf("four", FOUR);
const deep = setOf("deep", ["tokens"], DEEP);
const deepFour = setOf("deep four", FOUR, DEEP);
const flexible = new RateLimiterRedis({
  storeClient: client,
  keyPrefix: "flexible",
  points: PLENTY,
  duration: HOUR_MS / 1000,
});

// The commands that the library's HTTP client has, over this connection, so that only the scripts are compared. The first line of
// the scripts is for its own service only; without that line they run here, under another hash.
/** @type {Map<string, string>} */
const hashes = new Map();
let unknown = "";
const commands = {
  /** @param {string} sha @param {string[]} keys @param {unknown[]} args */
  async evalsha(sha, keys, args) {
    const known = hashes.get(sha);
    unknown = sha;
    if (known === undefined) throw new Error("NOSCRIPT");
    return client.evalsha(known, keys.length, ...keys, ...args.map(String));
  },
  /** @param {string} script @param {string[]} keys @param {unknown[]} args */
  async eval(script, keys, args) {
    const sha = unknown;
    const known = String(await client.script("LOAD", script.replace(/^#!.*\n/, "")));
    hashes.set(sha, known);
    return client.evalsha(known, keys.length, ...keys, ...args.map(String));
  },
};
/** @param {"tokenBucket" | "fixedWindow"} algorithm */
const upstash = (algorithm) =>
  new Ratelimit({
    redis: /** @type {never} */ (commands),
    prefix: algorithm,
    limiter:
      algorithm === "tokenBucket"
        ? Ratelimit.tokenBucket(PLENTY, "1 h", PLENTY)
        : Ratelimit.fixedWindow(PLENTY, "1 h"),
    ephemeralCache: false,
    analytics: false,
    timeout: 0,
  });
const bucket = upstash("tokenBucket");
const window = upstash("fixedWindow");

/** @type {Record<string, () => Promise<boolean>>} */
const ways = {
  ping: async () => (await client.ping()) === "PONG",
  one: async () => (await one.acquire({ tokens: 1 })).successful,
  four: async () => (await four.acquire(each(1))).successful,
  deep: async () => (await deep.acquire({ tokens: MUCH })).successful,
  deepFour: async () => (await deepFour.acquire(each(MUCH))).successful,
  flexible: async () => (await flexible.consume("user")).remainingPoints > 0,
  bucket: async () => (await bucket.limit("user")).success,
  window: async () => (await window.limit("user")).success,
};

process.on("message", async (/** @type {any} */ { what, n, atATime }) => {
  const way = /** @type {() => Promise<boolean>} */ (ways[what]);
  /** @type {number[]} */
  const latencies = [];
  let left = n;
  let done = 0;
  const asker = async () => {
    while (left-- > 0) {
      const start = performance.now();
      if (await way()) done++;
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: atATime }, asker));
  process.send?.({ done, latencies });
});
process.send?.({ done: 0, latencies: [] });
