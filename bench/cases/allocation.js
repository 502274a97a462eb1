import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { Sema, RateLimit as SemaRateLimit } from "async-sema";
import { bulkhead } from "cockatiel";
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import pLimit from "p-limit";
import PQueue from "p-queue";
import pThrottle from "p-throttle";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { ThreeLineBucket, take } from "../floors.js";
import { freshLoops } from "../loops.js";
import { consumeEffect, effectLimit } from "../peers/effect.js";
import { limiterBucket, limiterFamily, limiterRate, remove } from "../peers/limiter.js";
import { PlainSet } from "../plain/set.js";
import { HOUR_MS, PLENTY } from "../sets.js";

const OURS = "limitset, 1 rate, taken";
const AWAITED = "limitset, acquire of 1 rate, awaited";
const TAKES = 1_000_000;
/** The number of takes of subjects that allocate too much for a million takes between two collections. */
const FEW = 100_000;
const WARM = 30_000;

/** @typedef {(n: number) => number | Promise<number>} Run */

/** @returns {Promise<import("../survey.js").Survey>} */
export async function allocation() {
  const ours = await freshLoops();
  const theirs = await freshLoops();
  const rate = (/** @type {string} */ key) => new RateLimit({ key, capacity: PLENTY, windowMs: HOUR_MS });
  const slots = new ResourceLimit({ key: "connections", capacity: 100 });
  const calls = new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS });
  const four = /** @type {const} */ ({
    limits: [calls, rate("input"), rate("output"), slots],
    missingUpdate: "charge",
  });
  const set = new LimitSet({ limits: [rate("input")] });
  const flexible = new RateLimiterMemory({ points: PLENTY, duration: HOUR_MS / 1000 });
  const queue = new PQueue({ concurrency: 100 });
  const limit = pLimit(100);
  const throttled = pThrottle({ limit: PLENTY, interval: HOUR_MS })(task);
  const policy = bulkhead(100);
  const bucket = limiterBucket();
  const sema = new Sema(100);
  const semaRate = SemaRateLimit(100_000, { timeUnit: 10 });
  return {
    title: "Allocation",
    work: `by how much the heap grows with a take, over ${TAKES.toLocaleString("en")} of them or ${FEW.toLocaleString("en")}, in a process whose young generation is so large that none of it is collected meanwhile`,
    columns: ["bytes a take"],
    ratio: { column: "x limitset", of: "bytes a take" },
    subjects: [
      subject("floor: token bucket in three lines", take(new ThreeLineBucket(PLENTY, HOUR_MS)), OURS),
      subject(
        "floor: 1 rate in plain JavaScript",
        theirs.takeOne(new PlainSet({ limits: [rate("input")] })),
        OURS,
      ),
      subject(OURS, ours.takeOne(new LimitSet({ limits: [rate("input")] })), OURS),
      subject(
        "limitset, 1 rate; taken, updated, released",
        ours.useOne(new LimitSet({ limits: [rate("input")] })),
        OURS,
      ),
      subject("limitset, 4 limits; taken, released", ours.releaseTwoRates(new LimitSet(four)), OURS),
      subject("floor: those 4 in plain JavaScript", theirs.releaseTwoRates(new PlainSet(four)), OURS),
      subject("limiter, TokenBucket", remove(bucket), OURS),
      subject("limiter, RateLimiter", remove(limiterRate()), OURS),
      subject("limiter, parent and child", remove(limiterFamily(2)), OURS),
      subject(
        "effect, token bucket, run synchronously",
        consumeEffect(effectLimit("token-bucket")),
        OURS,
        FEW,
      ),
      subject(
        AWAITED,
        awaiting(async () => (await set.acquire({ input: 1 })).successful),
        AWAITED,
      ),
      subject(
        "limiter, TokenBucket.removeTokens",
        awaiting(() => bucket.removeTokens(1)),
        AWAITED,
      ),
      subject(
        "rate-limiter-flexible, consume",
        awaiting(() => flexible.consume("user")),
        AWAITED,
      ),
      subject(
        "async-sema, acquire, release",
        awaiting(() => sema.acquire().then(() => sema.release())),
        AWAITED,
      ),
      subject("async-sema, RateLimit", awaiting(semaRate), AWAITED, FEW),
      subject(
        "p-limit, a no-op",
        awaiting(() => limit(task)),
        AWAITED,
        FEW,
      ),
      subject("p-throttle, a no-op", awaiting(throttled), AWAITED, FEW),
      subject(
        "p-queue, a no-op",
        awaiting(() => queue.add(task)),
        AWAITED,
        FEW,
      ),
      subject(
        "cockatiel, bulkhead, a no-op",
        awaiting(() => policy.execute(task)),
        AWAITED,
        FEW,
      ),
    ],
  };
}

async function task() {}

/** @param {() => Promise<unknown>} ask @returns {Run} */
function awaiting(ask) {
  return async (n) => {
    for (let i = 0; i < n; i++) await ask();
    return n;
  };
}

/** @param {string} name @param {Run} run @param {string} against @param {number} [takes] @returns {import("../survey.js").Subject} */
function subject(name, run, against, takes = TAKES) {
  return { name, against, figures: async () => ({ "bytes a take": await bytesOf(name, run, takes) }) };
}

/** @param {string} name @param {Run} run @param {number} takes */
async function bytesOf(name, run, takes) {
  // Until the engine has compiled the function for good: compiled code leaves out needless allocations.
  for (let turns = 0; turns < 10; turns++) await run(WARM);
  globalThis.gc?.();
  await turn();
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const before = getHeapStatistics().used_heap_size;
  const done = await run(takes);
  const grown = getHeapStatistics().used_heap_size - before;
  await turn();
  observer.disconnect();
  if (done !== takes) throw new Error(`${name}: ${done} of ${takes} takes came out as meant`);
  if (collections > 0)
    throw new Error(`${name}: garbage was collected, so the growth is not what was allocated`);
  return Math.round(grown / takes);
}
