import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";

// Timers and memory of waiters. Timers are counted at the global functions, which are replaced before any library is imported.
/** @type {{ set: number }} */
const timers = { set: 0 };
for (const name of /** @type {const} */ (["setTimeout", "setInterval", "setImmediate"])) {
  const real = /** @type {(...args: unknown[]) => unknown} */ (globalThis[name]);
  Object.assign(globalThis, {
    [name]: (/** @type {unknown[]} */ ...args) => {
      timers.set++;
      return real(...args);
    },
  });
}
const { Sema, RateLimit: SemaRateLimit } = await import("async-sema");
const { default: Bottleneck } = await import("bottleneck");
const { LimitSet, RateLimit, ResourceLimit } = await import("limitset");
const { TokenBucket } = await import("limiter");
const { default: pLimit } = await import("p-limit");
const { default: PQueue } = await import("p-queue");
const { default: pThrottle } = await import("p-throttle");

/** A rate that grants a hundred thousand in a second. */
const CAPACITY = 1000;
const WINDOW_MS = 10;

const OURS_SLOT = "limitset, one resource";
const OURS_RATE = "limitset, one rate";

/** `ask` starts a waiter, and resolves when it was granted and is done. `open` lets the first waiter go. */
/** @typedef {{ ask: () => Promise<unknown>, open: () => void }} Line */

/** @returns {import("../survey.js").Survey} */
export function waitingCosts() {
  const many = [1000, 10_000, 100_000];
  return {
    title: "Waiting: timers and memory",
    work: `so many wait for one slot, or for a rate of ${CAPACITY} in ${WINDOW_MS} ms on the real clock. Timers set from first to last; heap in use for each while all wait, its promise included; time that the thread was busy, for each`,
    columns: ["wait", "timers set", "bytes each", "busy us each"],
    ratio: { column: "x limitset, bytes", of: "bytes each" },
    subjects: [
      ...many.map((count) => subject(OURS_SLOT, count, slot, OURS_SLOT)),
      subject("floor: a list of promises", 10_000, list, OURS_SLOT),
      subject("async-sema", 10_000, sema, OURS_SLOT),
      subject("p-limit", 10_000, limit, OURS_SLOT),
      subject("p-queue, concurrency", 10_000, queue, OURS_SLOT),
      subject("bottleneck, maxConcurrent", 100, neck, OURS_SLOT),
      // Fewer waiters would have their tokens before the last one has asked.
      ...many.slice(1).map((count) => subject(OURS_RATE, count, rate, OURS_RATE)),
      subject("limiter, TokenBucket", 10_000, bucket, OURS_RATE),
      subject("p-queue, interval", 10_000, interval, OURS_RATE),
      subject("p-throttle", 10_000, throttle, OURS_RATE),
      subject("async-sema, RateLimit", 10_000, semaRate, OURS_RATE),
    ],
  };
}

/** @param {string} name @param {number} count @param {() => Line} make @param {string} ours @returns {import("../survey.js").Subject} */
function subject(name, count, make, ours) {
  const shown = `${name}, ${count.toLocaleString("en")}`;
  return {
    name: shown,
    against: `${ours}, ${(10_000).toLocaleString("en")}`,
    figures: async () => {
      await drain(make(), Math.min(count, 1000)); // So that no waiter pays for things that are made once.
      const busy = performance.eventLoopUtilization();
      await drain(make(), count);
      const { active } = performance.eventLoopUtilization(busy);
      const measured = await drain(make(), count, true);
      return { wait: count, ...measured, "busy us each": Math.round((1e5 * active) / count) / 100 };
    },
  };
}

/** @param {Line} line @param {number} count @param {boolean} [weigh] */
async function drain({ ask, open }, count, weigh = false) {
  const all = new Array(count);
  // By the next turn, the task that holds the slot has started.
  await turn();
  timers.set = 0;
  const before = weigh ? heap() : 0;
  for (let i = 0; i < count; i++) all[i] = ask();
  const bytes = weigh ? (heap() - before) / count : 0;
  open();
  await Promise.all(all);
  return { "timers set": timers.set, "bytes each": Math.round(bytes) };
}

function heap() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** @returns {Line} */
function list() {
  /** @type {(() => void)[]} */
  const waiting = [];
  let next = 0;
  const open = () => waiting[next++]?.();
  const ask = async () => {
    await new Promise((resolve) => waiting.push(() => resolve(undefined)));
    open();
  };
  return { ask, open };
}

/** @returns {Line} */
function slot() {
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "slots", capacity: 1 })] });
  const held = limits.tryAcquire();
  return { ask: async () => (await limits.acquire()).release(), open: () => held.release() };
}

/** @returns {Line} */
function rate() {
  const limits = new LimitSet({
    limits: [new RateLimit({ key: "tokens", capacity: CAPACITY, windowMs: WINDOW_MS })],
  });
  limits.tryAcquire({ tokens: CAPACITY });
  // Not the acquisition, so that its memory does not count: a caller need not keep it either.
  return { ask: async () => (await limits.acquire({ tokens: 1 })).successful, open: () => {} };
}

/** @returns {Line} */
function sema() {
  const one = new Sema(1);
  one.tryAcquire();
  const ask = async () => {
    await one.acquire();
    one.release();
  };
  return { ask, open: () => one.release() };
}

/** The first task holds the slot until `open` is called. @param {(task: () => Promise<void>) => Promise<unknown>} start @returns {Line} */
function blocked(start) {
  let open = () => {};
  start(
    () =>
      new Promise((resolve) => {
        open = resolve;
      }),
  );
  return { ask: () => start(async () => {}), open: () => open() };
}

function limit() {
  return blocked(pLimit(1));
}

function queue() {
  const line = new PQueue({ concurrency: 1 });
  return blocked((task) => line.add(task));
}

/** @returns {Line} */
function neck() {
  const line = new Bottleneck({ maxConcurrent: 1 });
  return { ask: () => line.schedule(async () => {}), open: () => {} };
}

/** @returns {Line} */
function bucket() {
  const one = new TokenBucket({ bucketSize: CAPACITY, tokensPerInterval: CAPACITY, interval: WINDOW_MS });
  return { ask: () => one.removeTokens(1), open: () => {} };
}

/** @returns {Line} */
function interval() {
  const line = new PQueue({ intervalCap: CAPACITY, interval: WINDOW_MS });
  return { ask: () => line.add(async () => {}), open: () => {} };
}

/** @returns {Line} */
function throttle() {
  const ask = pThrottle({ limit: CAPACITY, interval: WINDOW_MS })(async () => {});
  return { ask, open: () => {} };
}

/** @returns {Line} */
function semaRate() {
  return { ask: SemaRateLimit(CAPACITY, { timeUnit: WINDOW_MS }), open: () => {} };
}
