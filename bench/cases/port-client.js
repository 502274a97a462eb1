// The other process or thread of the section on ports. It sends requests, and reports how long each answer took.
import process from "node:process";
import { isMainThread, parentPort } from "node:worker_threads";
import { connectLimits } from "limitset/port";
import { RateLimiterCluster } from "rate-limiter-flexible";
import { HOUR_MS, PLENTY } from "../sets.js";

const channel = parentPort ?? process;
/** @param {object} message */
const tell = (message) => (parentPort ? parentPort.postMessage(message) : process.send?.(message));

const limits = connectLimits(channel);
// These clients speak to the primary of a cluster, which a thread does not have.
const flexible = isMainThread
  ? new RateLimiterCluster({
      keyPrefix: "bench",
      points: PLENTY,
      duration: HOUR_MS / 1000,
      timeoutMs: 10_000,
    })
  : undefined;

/** @type {Map<number, () => void>} */
const pings = new Map();
let number = 0;

/** @type {Record<string, () => Promise<boolean>>} */
const ways = {
  ping: () =>
    new Promise((resolve) => {
      pings.set(++number, () => resolve(true));
      tell({ ping: number });
    }),
  limitset: async () => {
    const acquisition = await limits.acquire({ tokens: 1 });
    acquisition.update({ tokens: 1 });
    acquisition.release();
    return acquisition.successful;
  },
  flexible: async () => ((await flexible?.consume("user"))?.remainingPoints ?? 0) > 0,
};

channel.on("message", async (/** @type {any} */ { pong, what, n, atATime }) => {
  if (pong) {
    pings.get(pong)?.();
    pings.delete(pong);
  }
  if (!what) return;
  const way = /** @type {() => Promise<boolean>} */ (ways[what]);
  /** @type {number[]} */
  const latencies = [];
  let left = n;
  let done = 0;
  const one = async () => {
    while (left-- > 0) {
      const start = performance.now();
      if (await way()) done++;
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: atATime }, one));
  tell({ report: { done, latencies } });
});

await limits.ready;
tell({ report: { done: 0, latencies: [] } });
