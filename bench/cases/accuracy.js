import { RateLimiter as Pacer } from "@tanstack/pacer";
import { RateLimit as SemaRateLimit } from "async-sema";
import Bottleneck from "bottleneck";
import { Effect } from "effect";
import { RateLimiter, TokenBucket } from "limiter";
import { LimitSet, RateLimit, RateLimitAlgorithm } from "limitset";
import PQueue from "p-queue";
import pThrottle from "p-throttle";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { trying, waiting, worstAligned, worstWindow } from "../load.js";
import { expressStore, fastifyStore, honoStore } from "../peers/clients.js";
import { effectLimit } from "../peers/effect.js";

const CAPACITY = 50;
const WINDOW_MS = 100;
const WINDOWS = 20;
const FEW = 6;
const BURST = 10;
const RATE = CAPACITY / WINDOW_MS;

/**
 * The most that a definition permits: in any window, and in the first `ms` milliseconds.
 *
 * @typedef {{ name: string, worst: number, inAll: (ms: number) => number }} Permits
 */

/** @type {Permits} */
const BUCKET = { name: "capacity + refill", worst: 2 * CAPACITY, inAll: (ms) => CAPACITY + RATE * ms };
/** @type {Permits} */
const BURSTS = { name: "burst + refill", worst: BURST + CAPACITY, inAll: (ms) => BURST + RATE * ms };
/** @type {Permits} */
const EVEN = { name: "evenly spaced", worst: CAPACITY, inAll: (ms) => RATE * ms + 1 };
/** @type {Permits} */
const SLIDING = { name: "any window", worst: CAPACITY, inAll: (ms) => RATE * ms };
/** @type {Permits} */
const FIXED = { name: "2 fixed windows", worst: 2 * CAPACITY, inAll: (ms) => RATE * ms };
/** @type {Permits} */
const ALIGNED = { name: "a fixed window", worst: CAPACITY, inAll: (ms) => CAPACITY + RATE * ms };

/** @returns {import("../survey.js").Survey} */
export function accuracy() {
  const { TokenBucket: Ours, GCRA, LeakyBucket, SlidingWindow, FixedWindow } = RateLimitAlgorithm;
  return {
    title: "Accuracy",
    work: `a load that always wants more, on ${CAPACITY} in ${WINDOW_MS} ms, for ${WINDOWS} windows of the real clock: the most granted in one window, as seen by the caller, and the most that the definition permits in one; and the share that was used of all it permits. A window is taken a microsecond shorter than it is, which is the resolution of the clock. Where the caller waits, what is granted late is seen closer to what comes next`,
    columns: ["permits", "in a window", "granted", "x permitted", "% used"],
    subjects: [
      tried("limitset, TokenBucket", BUCKET, limitset(Ours)),
      tried("limitset, GCRA, burst of 10", BURSTS, limitset(GCRA, BURST)),
      tried("limitset, LeakyBucket", EVEN, limitset(LeakyBucket)),
      tried("limitset, SlidingWindow", SLIDING, limitset(SlidingWindow)),
      tried("limitset, FixedWindow", ALIGNED, limitset(FixedWindow)),
      tried("limiter, TokenBucket", BUCKET, limiterBucket),
      tried("limiter, RateLimiter", FIXED, limiterRate),
      tried("effect, token bucket", BUCKET, effect("token-bucket")),
      tried("effect, fixed window", FIXED, effect("fixed-window")),
      tried("pacer, fixed window", FIXED, pacer("fixed")),
      tried("pacer, sliding window", SLIDING, pacer("sliding")),
      tried("rate-limiter-flexible, memory", FIXED, flexible),
      tried("express-rate-limit, its store", FIXED, byClient(expressStore)),
      tried("hono-rate-limiter, its store", FIXED, byClient(honoStore)),
      tried("@fastify/rate-limit, its store", FIXED, byClient(fastifyStore)),
      awaited("limitset, TokenBucket, awaited", BUCKET, limitsetAwaited(Ours)),
      awaited("limitset, SlidingWindow, awaited", SLIDING, limitsetAwaited(SlidingWindow)),
      awaited("limitset, LeakyBucket, awaited", EVEN, limitsetAwaited(LeakyBucket)),
      awaited("limiter, TokenBucket, awaited", BUCKET, limiterAwaited),
      awaited("p-throttle, awaited", FIXED, throttle(false)),
      awaited("p-throttle, strict, awaited", SLIDING, throttle(true)),
      awaited("p-queue, interval, awaited", FIXED, queue),
      awaited("async-sema, RateLimit, awaited", SLIDING, semaRate(false)),
      awaited("async-sema, RateLimit, uniform, awaited", EVEN, semaRate(true)),
      awaited("bottleneck, minTime, awaited", EVEN, neck),
    ],
  };
}

/** @param {string} name @param {Permits} permits @param {() => () => boolean | Promise<boolean>} make @returns {import("../survey.js").Subject} */
function tried(name, permits, make) {
  return { name, figures: (quick) => judge(permits, quick, trying, make()) };
}

/** @param {string} name @param {Permits} permits @param {() => () => Promise<unknown>} make @returns {import("../survey.js").Subject} */
function awaited(name, permits, make) {
  return { name, figures: (quick) => judge(permits, quick, waiting, make()) };
}

/**
 * @template Ask @param {Permits} permits @param {boolean} quick
 * @param {(ask: Ask, ms: number) => Promise<import("../load.js").Granted[]>} load @param {Ask} ask
 */
async function judge(permits, quick, load, ask) {
  const ms = WINDOW_MS * (quick ? FEW : WINDOWS);
  const granted = await load(ask, ms);
  const worst = permits === ALIGNED ? worstAligned(granted, WINDOW_MS) : worstWindow(granted, WINDOW_MS);
  return {
    permits: permits.name,
    "in a window": permits.worst,
    granted: worst,
    "x permitted": worst / permits.worst,
    "% used": `${((100 * granted.length) / permits.inAll(ms)).toFixed(1)}`,
  };
}

/** @param {import("limitset").RateLimitAlgorithm} algorithm @param {number} [burst] */
function set(algorithm, burst) {
  const limit = { key: "tokens", capacity: CAPACITY, windowMs: WINDOW_MS, algorithm };
  return new LimitSet({ limits: [new RateLimit(burst === undefined ? limit : { ...limit, burst })] });
}

/** @param {import("limitset").RateLimitAlgorithm} algorithm @param {number} [burst] */
function limitset(algorithm, burst) {
  return () => {
    const limits = set(algorithm, burst);
    return () => limits.tryAcquire({ tokens: 1 }).successful;
  };
}

/** @param {import("limitset").RateLimitAlgorithm} algorithm */
function limitsetAwaited(algorithm) {
  return () => {
    const limits = set(algorithm);
    return () => limits.acquire({ tokens: 1 });
  };
}

function bucket() {
  const one = new TokenBucket({
    bucketSize: CAPACITY,
    tokensPerInterval: CAPACITY,
    interval: WINDOW_MS,
  });
  one.content = CAPACITY;
  return one;
}

function limiterBucket() {
  const one = bucket();
  return () => one.tryRemoveTokens(1);
}

function limiterAwaited() {
  const one = bucket();
  return () => one.removeTokens(1);
}

function limiterRate() {
  const one = new RateLimiter({ tokensPerInterval: CAPACITY, interval: WINDOW_MS });
  return () => one.tryRemoveTokens(1);
}

/** @param {"token-bucket" | "fixed-window"} algorithm */
function effect(algorithm) {
  return () => {
    const limit = effectLimit(algorithm, CAPACITY, WINDOW_MS);
    return () => Effect.runSyncExit(limit)._tag === "Success";
  };
}

/** @param {"fixed" | "sliding"} windowType */
function pacer(windowType) {
  return () => {
    const one = new Pacer(() => {}, { limit: CAPACITY, window: WINDOW_MS, windowType });
    return () => one.maybeExecute();
  };
}

function flexible() {
  const one = new RateLimiterMemory({ points: CAPACITY, duration: WINDOW_MS / 1000 });
  return () =>
    one.consume("user").then(
      () => true,
      () => false,
    );
}

/** @param {(plan: import("../peers/clients.js").Plan) => import("../peers/clients.js").Ask} make */
function byClient(make) {
  return () => {
    const ask = make({ limit: CAPACITY, windowMs: WINDOW_MS, clients: 1 });
    return () => ask("user");
  };
}

/** @param {boolean} strict */
function throttle(strict) {
  return () => pThrottle({ limit: CAPACITY, interval: WINDOW_MS, strict })(async () => {});
}

function queue() {
  const one = new PQueue({ intervalCap: CAPACITY, interval: WINDOW_MS });
  return () => one.add(async () => {});
}

/** @param {boolean} uniformDistribution */
function semaRate(uniformDistribution) {
  return () => SemaRateLimit(CAPACITY, { timeUnit: WINDOW_MS, uniformDistribution });
}

function neck() {
  const one = new Bottleneck({ minTime: WINDOW_MS / CAPACITY });
  return () => one.schedule(async () => {});
}
