import { AsyncRateLimiter } from "@tanstack/pacer";
import { RateLimit as SemaRateLimit } from "async-sema";
import Bottleneck from "bottleneck";
import { Effect } from "effect";
import { CallLimit, LimitSet, RateLimit } from "limitset";
import PQueue from "p-queue";
import pThrottle from "p-throttle";
import { RateLimiterMemory, RateLimiterUnion } from "rate-limiter-flexible";
import { ThreeLineBucket } from "../floors.js";
import { effectLimit } from "../peers/effect.js";
import { limiterBucket, limiterRate } from "../peers/limiter.js";
import { HOUR_MS, PLENTY, tokens } from "../sets.js";

const FLOOR = "floor: three-line bucket behind an async function";
export const RATE = "limitset, acquire 1 token";
const TWO = "limitset, acquire 1 of each of 2 rates";
const RUN = "limitset, run a no-op as 1 call";
export const BUCKET = "limiter, TokenBucket.removeTokens";
export const INTERVAL = "limiter, RateLimiter.removeTokens";
const calls = new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS });

/** @returns {import("../measure.js").Section} */
export function awaited() {
  return {
    title: "Awaited, with room in a rate",
    work: "ask for 1 and await it, one after another; or have a no-op run as 1 call. No request has to wait. flexible's union takes from one limit and not from another if that refuses; async-sema sets a timer for each, and pacer keeps a list, so their windows are 10 ms and 1 ms",
    columns: ["x floor", "x limitset"],
    cases: [
      compare(FLOOR, floor(), RATE),
      compare(RATE, acquireToken(), RATE),
      compare(BUCKET, removeTokens(limiterBucket()), RATE),
      compare(INTERVAL, removeTokens(limiterRate()), RATE),
      compare("rate-limiter-flexible, consume", consume(), RATE),
      compare("async-sema, RateLimit", semaRate(), RATE),
      compare("effect, token bucket, run as a promise", consumeEffect(), RATE),
      compare(TWO, acquireTwo(), TWO),
      compare("rate-limiter-flexible, union of 2, consume", consumeTwo(), TWO),
      compare(RUN, runs(), RUN),
      compare("p-throttle, a no-op", throttles(), RUN),
      compare("p-queue, interval, add a no-op", adds(), RUN),
      compare("pacer, AsyncRateLimiter, a no-op", paces(), RUN),
      compare("bottleneck, reservoir, schedule a no-op", schedules(), RUN),
    ],
  };
}

/** @param {string} name @param {import("../measure.js").Case["run"]} run @param {string} same what of limitset does the same */
function compare(name, run, same) {
  return { name, run, against: { "x floor": FLOOR, "x limitset": same } };
}

function floor() {
  const bucket = new ThreeLineBucket(PLENTY, HOUR_MS);
  const acquire = async () => bucket.take(1);
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if (await acquire()) done++;
    return done;
  };
}

function acquireToken() {
  const limits = tokens();
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if ((await limits.acquire({ tokens: 1 })).successful) done++;
    return done;
  };
}

function acquireTwo() {
  const rate = (/** @type {string} */ key) => new RateLimit({ key, capacity: PLENTY, windowMs: HOUR_MS });
  const limits = new LimitSet({ limits: [rate("input"), rate("output")] });
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if ((await limits.acquire({ input: 1, output: 1 })).successful) done++;
    return done;
  };
}

/** @param {{ removeTokens(count: number): Promise<number> }} bucket */
function removeTokens(bucket) {
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if ((await bucket.removeTokens(1)) >= 0) done++;
    return done;
  };
}

const points = { points: PLENTY, duration: HOUR_MS / 1000 };

function consume() {
  const limiter = new RateLimiterMemory(points);
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if ((await limiter.consume("user")).remainingPoints > 0) done++;
    return done;
  };
}

function consumeTwo() {
  const one = new RateLimiterMemory({ ...points, keyPrefix: "input" });
  const other = new RateLimiterMemory({ ...points, keyPrefix: "output" });
  const union = new RateLimiterUnion(one, other);
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if (await union.consume("user", 1)) done++;
    return done;
  };
}

function semaRate() {
  const limit = SemaRateLimit(100_000, { timeUnit: 10 });
  return async (/** @type {number} */ n) => {
    for (let i = 0; i < n; i++) await limit();
    return n;
  };
}

function consumeEffect() {
  const limit = effectLimit("token-bucket");
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if ((await Effect.runPromise(limit)).remaining >= 0) done++;
    return done;
  };
}

const task = async () => 1;

function runs() {
  const set = new LimitSet({ limits: [calls] });
  return each(() => set.run({}, task));
}

function throttles() {
  return each(pThrottle({ limit: PLENTY, interval: HOUR_MS })(task));
}

function adds() {
  const queue = new PQueue({ intervalCap: PLENTY, interval: HOUR_MS });
  return each(() => queue.add(task));
}

function paces() {
  const limiter = new AsyncRateLimiter(task, { limit: PLENTY, window: 1 });
  return each(async () => (await limiter.maybeExecute()) ?? 0);
}

/** Each job goes through several timers of 1 ms, whatever its limits. Many jobs at once are hardly faster. */
function schedules() {
  const limiter = new Bottleneck({ reservoir: PLENTY });
  return each(() => limiter.schedule(task));
}

/** @param {() => Promise<number>} start */
function each(start) {
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) done += await start();
    return done;
  };
}
