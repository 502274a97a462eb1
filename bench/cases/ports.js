import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { serveLimits } from "limitset/port";
import { RateLimiterClusterMaster } from "rate-limiter-flexible";
import { tokens } from "../sets.js";

export const IPC_PING = "floor: ping-pong with another process";
export const IPC = "limitset, another process: acquire 1 token, release";
export const PORT_PING = "floor: ping-pong with another thread";
export const PORT = "limitset, another thread: acquire 1 token, release";

const program = new URL("./port-client.js", import.meta.url);

/** @returns {Promise<import("../measure.js").Section>} */
export async function ports() {
  const process = await startProcess();
  const thread = await startThread();
  const ipc = { "x ping-pong": IPC_PING };
  const port = { "x ping-pong": PORT_PING };
  return {
    title: "Over a channel",
    work: "ask a set that another process or thread has, one request after another, and await each",
    columns: ["x ping-pong"],
    cases: [
      { name: IPC_PING, ...asked(process, "ping"), against: ipc },
      { name: IPC, ...asked(process, "limitset"), against: ipc },
      { name: "rate-limiter-flexible, cluster: consume 1", ...asked(process, "flexible"), against: ipc },
      { name: "limitset, another process, 100 at a time", ...asked(process, "limitset", 100), against: ipc },
      { name: PORT_PING, ...asked(thread, "ping"), against: port },
      { name: PORT, ...asked(thread, "limitset"), against: port },
      { name: "limitset, another thread, 100 at a time", ...asked(thread, "limitset", 100), against: port },
    ],
  };
}

/** @typedef {{ send(message: object): void, next(): Promise<{ done: number, latencies: number[] }> }} Client */

/** @returns {Promise<Client>} */
async function startProcess() {
  cluster.setupPrimary({ exec: fileURLToPath(program), execArgv: [] });
  new RateLimiterClusterMaster();
  const worker = cluster.fork();
  serveLimits(tokens(), worker);
  worker.on("message", ({ ping }) => {
    if (ping) worker.send({ pong: ping });
  });
  return ready(worker, (message) => worker.send(message));
}

/** @returns {Promise<Client>} */
async function startThread() {
  const worker = new Worker(program);
  serveLimits(tokens(), worker);
  worker.on("message", ({ ping }) => {
    if (ping) worker.postMessage({ pong: ping });
  });
  return ready(worker, (message) => worker.postMessage(message));
}

/** @param {import("node:events").EventEmitter} worker @param {(message: object) => void} send @returns {Promise<Client>} */
async function ready(worker, send) {
  /** @returns {Promise<any>} */
  const next = () =>
    new Promise((resolve) => {
      worker.on("message", function hear({ report }) {
        if (!report) return;
        worker.off("message", hear);
        resolve(report);
      });
    });
  await next();
  return { send, next };
}

/** @param {Client} client @param {string} what @param {number} [atATime] */
function asked(client, what, atATime = 1) {
  /** @type {number[]} */
  const latencies = [];
  return {
    run: async (/** @type {number} */ n) => {
      const answer = client.next();
      client.send({ what, n, atATime });
      const report = await answer;
      latencies.push(...report.latencies);
      return report.done;
    },
    note: (/** @type {number} */ ns) => {
      const sorted = latencies.sort((a, b) => a - b);
      const at = (/** @type {number} */ share) =>
        Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 1e3);
      return `${Math.round(1e9 / ns).toLocaleString("en")} /s, p50 ${at(0.5)} us, p99 ${at(0.99)} us`;
    },
  };
}
