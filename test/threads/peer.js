/** A thread that does as it is told: it attaches to the handle that it is sent, then answers one command after another. */
import { parentPort, threadId, Worker } from "node:worker_threads";
import { attachLimits, shareLimits } from "limitset/threads";

/** @typedef {import("limitset").Acquisition} Acquisition */

/** @type {import("limitset").LimitSet<string>} */
let limits;
/** @type {Acquisition[]} */
const held = [];
/** @type {boolean} */
let stopped = false;

/** @type {Record<string, (...args: any[]) => unknown>} */
const commands = {
  take: (requested) => {
    const acquisition = limits.tryAcquire(requested);
    if (acquisition.successful) held.push(acquisition);
    return acquisition.successful;
  },
  acquire: async (requested) => {
    held.push(await limits.acquire(requested));
    return true;
  },
  /** Begins to wait, and answers at once. */
  queue: (requested) => {
    limits.acquire(requested).then(
      (acquisition) => held.push(acquisition),
      () => {},
    );
  },
  acquireSync: (requested, options) => {
    held.push(limits.acquireSync(requested, options));
    return performance.timeOrigin + performance.now();
  },
  release: () => {
    for (const acquisition of held.splice(0)) acquisition.release();
  },
  /** Of a user. */
  pause: (user) => limits.for({ user }).pause(Number.POSITIVE_INFINITY),
  resume: (user) => limits.for({ user }).resume(),
  acquireFor: async (user, options) => {
    held.push(await limits.for({ user }).acquire({}, options));
    return true;
  },
  /** As a user: begins to wait, and answers at once; or waits blocked. */
  queueFor: (user, requested) => {
    limits
      .for({ user })
      .acquire(requested)
      .then(
        (acquisition) => held.push(acquisition),
        () => {},
      );
  },
  blockFor: (user, requested) => {
    held.push(limits.for({ user }).acquireSync(requested));
  },
  used: (key) => limits.stats()[key]?.used,
  about: () => ({ keys: limits.keys, config: limits.config }),
  close: () => limits.close(),
  compute: (ms) => {
    for (const end = performance.now() + ms; performance.now() < end; );
    return performance.timeOrigin + performance.now();
  },
  /** Takes 1 as often as it can, until it is told to stop. */
  saturate: async (requested, how) => {
    let granted = 0;
    for (stopped = false; !stopped; ) {
      if (how === "acquire") {
        await limits.acquire(requested);
        granted++;
      } else {
        for (let i = 0; i < 500; i++) if (limits.tryAcquire(requested).successful) granted++;
        await new Promise(setImmediate);
      }
    }
    return granted;
  },
  stop: () => {
    stopped = true;
  },
  /** Shares the set with a thread of its own, and has that thread take. */
  share: async (requested) => {
    const child = new Worker(new URL(import.meta.url));
    shareLimits(limits, child);
    return new Promise((resolve) => {
      child.once("message", ({ result }) => resolve(result));
      child.postMessage({ id: 0, command: "take", args: [requested] });
    });
  },
  /** The same, with a thread that takes and gives back until it ends. */
  shareBusily: async (requested) => {
    const child = new Worker(new URL(import.meta.url));
    shareLimits(limits, child);
    child.postMessage({ id: 0, command: "takeForEver", args: [requested] });
    return new Promise((resolve) => child.once("message", resolve));
  },
  takeForEver: (requested) => {
    parentPort?.postMessage({});
    for (;;) limits.tryAcquire(requested).release();
  },
  thread: () => threadId,
};

parentPort?.once("message", (handle) => {
  limits = attachLimits(handle);
  parentPort?.on("message", async ({ id, command, args }) => {
    try {
      parentPort?.postMessage({ id, result: await commands[command]?.(...args) });
    } catch (error) {
      const { code, message } = /** @type {Error & { code?: string }} */ (error);
      parentPort?.postMessage({ id, error: { code, message } });
    }
  });
});
