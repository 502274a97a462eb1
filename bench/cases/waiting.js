import { Sema } from "async-sema";
import { bulkhead } from "cockatiel";
import { Effect, Semaphore } from "effect";
import { LimitSet, RateLimit, ResourceLimit } from "limitset";
import { ManualClock } from "limitset/testing";
import pLimit from "p-limit";
import PQueue from "p-queue";

const SIZES = /** @type {const} */ ([1000, 10_000, 100_000]);
const shown = (/** @type {number} */ size) => size.toLocaleString("en");

/** @param {number} size */
export const slotOf = (size) => `limitset, one resource, ${shown(size)} wait`;
/** @param {number} size */
export const rateOf = (size) => `limitset, one rate, ${shown(size)} wait`;
/** @param {number} size */
const priorityOf = (size) => `limitset, one resource, ten priorities, ${shown(size)} wait`;
/** @param {number} size */
export const floorOf = (size) => `floor: a list of promises, ${shown(size)} wait`;

/** @returns {import("../measure.js").Section} */
export function waiting() {
  return {
    title: "Waiting",
    work: "so many ask for the one slot, wait, are served in order, and give it back; or wait for a rate of 100 a millisecond, on a clock that is moved by hand, so that no time is idle. Time per waiter, from asking to served. The floor grows too: what waits for long is moved by the garbage collector, and is not in the cache when its turn comes. cockatiel above 10,000 and effect above 1,000 take too long to show",
    columns: ["x floor", "x 1,000", "x limitset"],
    cases: SIZES.flatMap((size) => [
      timed(floorOf(size), floor(), size, floorOf(1000)),
      timed(slotOf(size), limitsetSlot(), size, slotOf(1000)),
      timed(rateOf(size), limitsetRate(), size, rateOf(1000)),
      timed(priorityOf(size), limitsetPriorities(), size, priorityOf(1000)),
      ...peersOf(size),
    ]),
  };
}

/** @param {number} size */
function peersOf(size) {
  /** @type {[string, (count: number) => Promise<number>, number?][]} */
  const peers = [
    ["async-sema", sema()],
    ["p-limit", tasks(pLimit(1))],
    ["p-queue", queue()],
    ["p-queue, ten priorities", priorities()],
    // With these two, the time of each waiter grows with their number: 100,000 waiters would take seconds or minutes.
    ["cockatiel, bulkhead", policy(), 10_000],
    ["effect, Semaphore", effect(), 1000],
  ];
  const able = peers.filter(([, , most = size]) => size <= most);
  return able.map(([name, drain]) =>
    timed(`${name}, ${shown(size)} wait`, drain, size, `${name}, ${shown(SIZES[0])} wait`),
  );
}

/**
 * @param {string} name @param {(count: number) => Promise<number>} drain @param {number} size @param {string} small the name of the case with the fewest waiters
 * @returns {import("../measure.js").Case}
 */
function timed(name, drain, size, small) {
  const run = async (/** @type {number} */ n) => {
    let done = 0;
    for (let left = n; left > 0; left -= size) done += await drain(size);
    return done;
  };
  return {
    name,
    run,
    step: size,
    against: { "x floor": floorOf(size), "x 1,000": small, "x limitset": slotOf(size) },
  };
}

/** The floor of all queues: a promise and a place in a list for each waiter. */
function floor() {
  return async (/** @type {number} */ count) => {
    /** @type {(() => void)[]} */
    const line = [];
    let done = 0;
    const wait = async () => {
      await new Promise((resolve) => line.push(() => resolve(undefined)));
      line[++done]?.();
    };
    const all = Array.from({ length: count }, wait);
    line[0]?.();
    await Promise.all(all);
    return done;
  };
}

function limitsetSlot() {
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "slots", capacity: 1 })] });
  return async (/** @type {number} */ count) => {
    let done = 0;
    const wait = async () => {
      const acquisition = await limits.acquire();
      done++;
      acquisition.release();
    };
    const held = limits.tryAcquire();
    const all = Array.from({ length: count }, wait);
    held.release();
    await Promise.all(all);
    return done;
  };
}

function limitsetPriorities() {
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "slots", capacity: 1 })] });
  return async (/** @type {number} */ count) => {
    let done = 0;
    const wait = async (/** @type {number} */ priority) => {
      const acquisition = await limits.acquire(undefined, { priority });
      done++;
      acquisition.release();
    };
    const held = limits.tryAcquire();
    const all = Array.from({ length: count }, (_, i) => wait(i % 10));
    held.release();
    await Promise.all(all);
    return done;
  };
}

function limitsetRate() {
  const clock = new ManualClock();
  const limit = new RateLimit({ key: "tokens", capacity: 100, windowMs: 1 });
  const limits = new LimitSet({ limits: [limit], clock });
  return async (/** @type {number} */ count) => {
    let done = 0;
    const wait = async () => {
      if ((await limits.acquire({ tokens: 1 })).successful) done++;
    };
    limits.tryAcquire({ tokens: 100 });
    const all = Array.from({ length: count }, wait);
    while (limits.waiting > 0) clock.advance(1);
    await Promise.all(all);
    clock.advance(1);
    return done;
  };
}

function sema() {
  const limit = new Sema(1);
  return async (/** @type {number} */ count) => {
    let done = 0;
    const wait = async () => {
      await limit.acquire();
      done++;
      limit.release();
    };
    await limit.acquire();
    const all = Array.from({ length: count }, wait);
    limit.release();
    await Promise.all(all);
    return done;
  };
}

/** @param {(task: () => Promise<void>) => Promise<unknown>} start */
function tasks(start) {
  return async (/** @type {number} */ count) => {
    let done = 0;
    const task = async () => {
      done++;
    };
    await Promise.all(Array.from({ length: count }, () => start(task)));
    return done;
  };
}

function queue() {
  const line = new PQueue({ concurrency: 1 });
  return tasks((task) => line.add(task));
}

function priorities() {
  const line = new PQueue({ concurrency: 1 });
  let next = 0;
  return tasks((task) => line.add(task, { priority: next++ % 10 }));
}

function policy() {
  const one = bulkhead(1, Number.POSITIVE_INFINITY);
  return tasks((task) => one.execute(task));
}

function effect() {
  const one = Semaphore.makeUnsafe(1);
  return tasks((task) => Effect.runPromise(one.withPermits(1)(Effect.promise(task))));
}
