// A thread of the section on threads. It works on a shared set, or sends requests to the thread that owns a set.
import { parentPort } from "node:worker_threads";
import { LimitSet } from "limitset";
import { attachLimits } from "limitset/threads";
import { ThreeLineBucket, take } from "../floors.js";
import { HOUR_MS, PLENTY, takeTokens, tokens } from "../sets.js";

/** @typedef {import("node:worker_threads").MessagePort} MessagePort */
/** @typedef {(n: number, inFlight: number) => number | Promise<number>} Work */

/** @type {Map<number, { work: Work, limits?: LimitSet<string> }>} */
const jobs = new Map();

parentPort?.on("message", async ({ id, task, n, inFlight }) => {
  if (task) {
    jobs.set(id, begin(task));
    return;
  }
  const { work, limits } = /** @type {{ work: Work, limits?: LimitSet<string> }} */ (jobs.get(id));
  const before = limits?.repeats ?? 0;
  const done = await work(n, inFlight);
  parentPort?.postMessage({ done, repeats: (limits?.repeats ?? 0) - before });
});

/** @param {{ floor?: boolean, handle?: import("limitset/threads").LimitSetHandle, releases?: boolean, users?: string, asks?: MessagePort, answers?: MessagePort }} task */
function begin({ floor, handle, releases, users, asks, answers }) {
  if (floor) return { work: take(new ThreeLineBucket(PLENTY, HOUR_MS)) };
  if (asks) return { work: asking(asks) };
  if (answers) return { work: answering(answers) };
  const limits = attachLimits(/** @type {import("limitset/threads").LimitSetHandle} */ (handle));
  if (users !== undefined) return { limits, work: takeOfUsers(limits, users) };
  return { limits, work: releases ? takeAndRelease(limits) : takeTokens(limits) };
}

/** @param {LimitSet<string>} limits */
function takeAndRelease(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10, output: 10 });
      if (acq.successful) done++;
      acq.release();
    }
    return done;
  };
}

const USERS = 100;

/** Takes 1 of each of its own users in turn. @param {LimitSet<string>} limits @param {string} users */
function takeOfUsers(limits, users) {
  const views = Array.from({ length: USERS }, (_, i) => limits.for({ user: `${users} ${i}` }));
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if (views[i % USERS]?.tryAcquire({ tokens: 1 }).successful) done++;
    return done;
  };
}

/** Sends the smallest messages there are: a number to the owner, a boolean back. @param {MessagePort} port @returns {Work} */
function asking(port) {
  return (n, inFlight) =>
    new Promise((resolve) => {
      let asked = 0;
      let answered = 0;
      let done = 0;
      const ask = () => {
        asked++;
        port.postMessage(1);
      };
      port.removeAllListeners("message");
      port.on("message", (granted) => {
        if (granted) done++;
        if (++answered === n) resolve(done);
        else if (asked < n) ask();
      });
      while (asked < Math.min(n, inFlight)) ask();
      if (n === 0) resolve(0);
    });
}

/** The set that answers all threads. @type {LimitSet<"tokens"> | undefined} */
let owned;

/** @param {MessagePort} port @returns {Work} */
function answering(port) {
  owned ??= tokens();
  const limits = owned;
  port.on("message", (amount) => port.postMessage(limits.tryAcquire({ tokens: amount }).successful));
  return () => 0;
}
