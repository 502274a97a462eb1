import { Sema } from "async-sema";
import Bottleneck from "bottleneck";
import { CallLimit, LimitSet, ResourceLimit } from "limitset";
import PQueue from "p-queue";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { HOUR_MS, limiterBucket, limiterRate, PLENTY, ThreeLineBucket, tokens } from "../sets.js";

const FLOOR = "floor: three-line bucket behind an async function";
const RATE = "limitset, acquire 1 token";
const SLOT = "limitset, acquire 1 slot, release";
const RUN = "limitset, run a no-op in 1 slot";
const BOTH = "limitset, run a no-op in 1 slot as 1 call";
const SLOTS = 100;
const slots = new ResourceLimit({ key: "slots", capacity: SLOTS });
const calls = new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS });

/** @returns {import("../measure.js").Section} */
export function awaited() {
  return {
    title: "Awaited, with room",
    work: "ask and await, one after another: a token; a slot, given back; a task run in a slot. Nobody has to wait",
    columns: ["x floor", "x limitset"],
    cases: [
      compare(FLOOR, floor(), RATE),
      compare(RATE, acquireToken(), RATE),
      compare("limiter, TokenBucket.removeTokens", removeTokens(limiterBucket()), RATE),
      compare("limiter, RateLimiter.removeTokens", removeTokens(limiterRate()), RATE),
      compare("rate-limiter-flexible, consume", consume(), RATE),
      compare(SLOT, acquireSlot(), SLOT),
      compare("async-sema, acquire, release", acquireSema(), SLOT),
      compare(RUN, runs([slots]), RUN),
      compare("p-queue, concurrency, add a no-op", adds({ concurrency: SLOTS }), RUN),
      compare("bottleneck, maxConcurrent, schedule a no-op", schedules(), RUN),
      compare(BOTH, runs([slots, calls]), BOTH),
      compare(
        "p-queue, concurrency and interval, add a no-op",
        adds({ concurrency: SLOTS, intervalCap: PLENTY, interval: HOUR_MS }),
        BOTH,
      ),
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

/** @param {{ removeTokens(count: number): Promise<number> }} bucket */
function removeTokens(bucket) {
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if ((await bucket.removeTokens(1)) >= 0) done++;
    return done;
  };
}

function consume() {
  const limiter = new RateLimiterMemory({ points: PLENTY, duration: HOUR_MS / 1000 });
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if ((await limiter.consume("user")).remainingPoints > 0) done++;
    return done;
  };
}

function acquireSlot() {
  const limits = new LimitSet({ limits: [slots] });
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = await limits.acquire();
      if (acq.successful) done++;
      acq.release();
    }
    return done;
  };
}

function acquireSema() {
  const sema = new Sema(SLOTS);
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      if (await sema.acquire()) done++;
      sema.release();
    }
    return done;
  };
}

const task = async () => 1;

/** @param {(typeof slots | typeof calls)[]} limits */
function runs(limits) {
  const set = new LimitSet({ limits });
  return each(() => set.run({}, task));
}

/** @param {{ concurrency: number, intervalCap?: number, interval?: number }} options */
function adds(options) {
  const queue = new PQueue(options);
  return each(() => queue.add(task));
}

/** Each job passes several timers of 1 ms, whatever its limits, and many at once get through little faster. */
function schedules() {
  const limiter = new Bottleneck({ maxConcurrent: SLOTS });
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
