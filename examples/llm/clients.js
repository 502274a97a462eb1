import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { replay, warmUp } from "./replay.js";
import { newTally, sumOf } from "./tally.js";

/** @typedef {import("./traffic.js").Request} Request */
/** @typedef {import("./tally.js").Tally} Tally */

/**
 * Who sends the requests: this thread, or several that share the limits. Made ready, then started.
 * @typedef {object} Clients
 * @property {() => Tally} tally of all, so far
 * @property {(startAt: number) => Promise<void>} replay resolves when all is answered; rejects when a client fails
 * @property {() => Promise<void>} close ends them, wherever they are
 */

/**
 * @typedef {object} Start
 * @property {number} threads 0: none but this
 * @property {string} url of the API
 * @property {readonly Request[]} requests in order of arrival; threads take turns
 * @property {number} connections that each client opens in advance
 * @property {import("limitset").LimitSet<import("./replay.js").Key> | undefined} limits
 */

/**
 * @param {Start} start
 * @returns {Promise<Clients>}
 */
export async function startClients({ threads, ...start }) {
  return threads === 0 ? inThisThread(start) : onThreads(threads, start);
}

/**
 * @param {Omit<Start, "threads">} start
 * @returns {Promise<Clients>}
 */
async function inThisThread({ url, requests, connections, limits }) {
  await warmUp(url, connections);
  const tally = newTally();
  return {
    tally: () => tally,
    replay: (startAt) => replay({ url, requests, startAt, limits, tally }),
    close: async () => {},
  };
}

/**
 * @param {number} count
 * @param {Omit<Start, "threads">} start
 * @returns {Promise<Clients>}
 */
async function onThreads(count, { url, requests, connections, limits }) {
  const tallies = Array.from({ length: count }, newTally);
  const workers = tallies.map((_, turn) => {
    const own = requests.filter((_, i) => i % count === turn);
    const workerData = { url, requests: own, connections };
    return new Worker(new URL("./client-thread.js", import.meta.url), { workerData });
  });
  const close = async () => void (await Promise.all(workers.map((worker) => worker.terminate())));
  const failed = Promise.race(
    workers.map(async (worker) => {
      throw (await once(worker, "error"))[0];
    }),
  );
  failed.catch(() => {}); // whoever waits for a client finds it
  try {
    const ready = workers.map((worker) => once(worker, "message"));
    for (const worker of workers) {
      if (limits) limits.shareWith(worker);
      else worker.postMessage(undefined);
    }
    await Promise.race([failed, Promise.all(ready)]);
  } catch (error) {
    await close();
    throw error;
  }
  workers.forEach((worker, i) => {
    worker.on("message", (tally) => {
      tallies[i] = tally;
    });
  });
  return {
    tally: () => sumOf(tallies),
    replay: async (startAt) => {
      const ended = workers.map((worker) => once(worker, "exit"));
      for (const worker of workers) worker.postMessage(startAt);
      await Promise.race([failed, Promise.all(ended)]);
    },
    close,
  };
}
