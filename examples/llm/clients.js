import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { serveLimits } from "limitset/port";
import { shareLimits } from "limitset/threads";
import { replay, warmUp } from "./replay.js";
import { newTally, sumOf } from "./tally.js";

/** @typedef {import("./traffic.js").Request} Request */
/** @typedef {import("./tally.js").Tally} Tally */

/**
 * The senders of the requests: this thread, or several threads or processes that share the limits.
 * @typedef {object} Clients
 * @property {() => Tally} tally of all clients so far
 * @property {(startAt: number) => Promise<void>} replay resolves when all requests are answered; rejects when a client fails
 * @property {() => Promise<void>} close ends the threads or processes
 */

/**
 * @typedef {object} Start
 * @property {number} threads
 * @property {number} processes if both are 0, this thread sends
 * @property {string} url of the API
 * @property {readonly Request[]} requests in order of arrival; clients take turns
 * @property {number} connections that each client opens in advance
 * @property {import("limitset").LimitSet<import("./replay.js").Key> | undefined} limits
 */

/**
 * @param {Start} start
 * @returns {Promise<Clients>}
 */
export async function startClients(start) {
  const { threads, processes } = start;
  if (threads + processes === 0) return inThisThread(start);
  const startOne = threads > 0 ? startThread : startProcess;
  return elsewhere(
    Array.from({ length: threads + processes }, () => startOne(start.limits)),
    start,
  );
}

/**
 * @param {Start} start
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
 * A client that runs `remote-client.js`.
 * @typedef {object} Remote
 * @property {Worker | import("node:child_process").ChildProcess} channel
 * @property {object} share the data by which it gets the limits
 * @property {(order: unknown) => void} tell
 * @property {() => Promise<unknown>} end
 */

const program = new URL("./remote-client.js", import.meta.url);

/**
 * @param {Start["limits"]} limits
 * @returns {Remote}
 */
function startThread(limits) {
  const worker = new Worker(program);
  const shared = limits && shareLimits(limits);
  worker.once("exit", () => shared?.reclaim());
  return {
    channel: worker,
    share: { handle: shared?.handle },
    tell: (order) => worker.postMessage({ order }),
    end: () => worker.terminate(),
  };
}

/**
 * @param {Start["limits"]} limits
 * @returns {Remote}
 */
function startProcess(limits) {
  const child = fork(fileURLToPath(program));
  if (limits) serveLimits(limits, child);
  return {
    channel: child,
    share: { limited: limits !== undefined },
    tell: (order) => void child.send({ order }, () => {}),
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/**
 * @param {Remote[]} remotes
 * @param {Start} start
 * @returns {Promise<Clients>}
 */
async function elsewhere(remotes, { url, requests, connections }) {
  const tallies = remotes.map(newTally);
  /** @type {(error: Error) => void} */
  let fail = () => {};
  const failed = new Promise((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // the code that waits for a client gets the error
  const close = async () => void (await Promise.all(remotes.map(({ end }) => end())));
  const ready = remotes.map(
    ({ channel, share, tell }, turn) =>
      new Promise((resolve) => {
        channel.on("error", fail);
        channel.on("exit", (code) => {
          if (code !== 0) fail(new Error(`a client has ended with code ${code}`));
        });
        channel.on("message", ({ news }) => {
          if (news?.ready) resolve(undefined);
          if (news?.tally) tallies[turn] = news.tally;
          if (news?.failed) fail(new Error(`a client has failed: ${news.failed}`));
        });
        const own = requests.filter((_, i) => i % remotes.length === turn);
        tell({ url, requests: own, connections, ...share });
      }),
  );
  try {
    await Promise.race([failed, Promise.all(ready)]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    tally: () => sumOf(tallies),
    replay: async (startAt) => {
      const ended = remotes.map(({ channel }) => once(channel, "exit"));
      for (const { tell } of remotes) tell(startAt);
      await Promise.race([failed, Promise.all(ended)]);
    },
    close,
  };
}
