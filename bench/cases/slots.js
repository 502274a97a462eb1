import { Sema } from "async-sema";
import Bottleneck from "bottleneck";
import { bulkhead } from "cockatiel";
import { Effect, Semaphore } from "effect";
import { CallLimit, LimitSet, ResourceLimit } from "limitset";
import pLimit from "p-limit";
import PQueue from "p-queue";
import { HOUR_MS, PLENTY } from "../sets.js";

const FLOOR = "floor: an async function that counts up and down";
const SLOT = "limitset, acquire 1 slot, release";
const RUN = "limitset, run a no-op in 1 slot";
const BOTH = "limitset, run a no-op in 1 slot as 1 call";
const SLOTS = 100;
const slots = new ResourceLimit({ key: "slots", capacity: SLOTS });
const calls = new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS });

/** @returns {import("../measure.js").Section} */
export function awaitedSlots() {
  return {
    title: "Awaited, with room in a resource",
    work: "ask for a slot, await it, give it back; or have a no-op run in one, and await that. No request has to wait",
    columns: ["x floor", "x limitset"],
    cases: [
      compare(FLOOR, each(counter()), SLOT),
      compare(SLOT, acquireSlot(), SLOT),
      compare("async-sema, acquire, release", acquireSema(), SLOT),
      compare(RUN, runs([slots]), RUN),
      compare("p-limit, a no-op", limits(), RUN),
      compare("p-queue, concurrency, add a no-op", adds({ concurrency: SLOTS }), RUN),
      compare("cockatiel, bulkhead, a no-op", executes(), RUN),
      compare("effect, Semaphore, a no-op, run as a promise", runsEffect(), RUN),
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

function counter() {
  let free = SLOTS;
  return async () => {
    if (free === 0) return 0;
    free--;
    try {
      return await task();
    } finally {
      free++;
    }
  };
}

function acquireSlot() {
  const set = new LimitSet({ limits: [slots] });
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = await set.acquire();
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

function limits() {
  const limit = pLimit(SLOTS);
  return each(() => limit(task));
}

/** @param {{ concurrency: number, intervalCap?: number, interval?: number }} options */
function adds(options) {
  const queue = new PQueue(options);
  return each(() => queue.add(task));
}

function executes() {
  const policy = bulkhead(SLOTS);
  return each(() => policy.execute(task));
}

function runsEffect() {
  const semaphore = Semaphore.makeUnsafe(SLOTS);
  const running = semaphore.withPermits(1)(Effect.promise(task));
  return each(() => Effect.runPromise(running));
}

/** Each job goes through several timers of 1 ms, whatever its limits. Many jobs at once are hardly faster. */
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
