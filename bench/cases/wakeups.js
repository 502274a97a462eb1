import { fork } from "node:child_process";
import { Worker } from "node:worker_threads";
import { Sema } from "async-sema";
import { serveLimits } from "limitset/port";
import { shareLimits } from "limitset/threads";
import pLimit from "p-limit";
import PQueue from "p-queue";
import { spread } from "../measure.js";
import { now, pause, slot } from "./waker.js";

const HERE = "floor: a promise is resolved, same thread";
const THREAD_FLOOR = "floor: a message arrives, another thread";
const NOTIFY_FLOOR = "floor: Atomics.waitAsync, another thread";
const PROCESS_FLOOR = "floor: a message arrives, another process";
const ROUNDS = 1500;
const FEW = 300;

const program = new URL("./waker.js", import.meta.url);

/** @returns {import("../survey.js").Survey} */
export function wakeups() {
  return {
    title: "Waking up",
    work: "from the release of the only slot, every millisecond or two, until its waiter goes on: on the same thread, on another, in another process",
    columns: ["p50 us", "p99 us"],
    ratio: { column: "x floor, p50", of: "p50 us" },
    subjects: [
      local(HERE, promise),
      local("limitset, same thread", limitset),
      local("async-sema, same thread", sema),
      local("p-limit, same thread", pLimitTask),
      local("p-queue, same thread", pQueueTask),
      { name: THREAD_FLOOR, against: THREAD_FLOOR, figures: thread("message") },
      { name: NOTIFY_FLOOR, against: THREAD_FLOOR, figures: thread("notify") },
      { name: "limitset, another thread", against: THREAD_FLOOR, figures: thread("limitset") },
      { name: "limitset, another thread, acquireSync", against: THREAD_FLOOR, figures: thread("blocking") },
      { name: PROCESS_FLOOR, against: PROCESS_FLOOR, figures: anotherProcess("message") },
      { name: "limitset/port, another process", against: PROCESS_FLOOR, figures: anotherProcess("limitset") },
    ],
  };
}

/** One round. Resolves to the delay, in milliseconds. @typedef {() => Promise<number>} Round */

/** @param {string} name @param {() => Round} make @returns {import("../survey.js").Subject} */
function local(name, make) {
  const figures = async (/** @type {boolean} */ quick) => {
    const round = make();
    /** @type {number[]} */
    const delays = [];
    for (let i = 0; i < (quick ? FEW : ROUNDS); i++) {
      delays.push(await round());
      await pause();
    }
    return figuresOf(delays);
  };
  return { name, against: HERE, figures };
}

/** @param {number[]} delays */
function figuresOf(delays) {
  const sorted = [...delays].sort((a, b) => a - b);
  const us = (/** @type {number} */ ms) => Math.round(ms * 1e5) / 100;
  const last = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
  return { "p50 us": us(spread(sorted).median), "p99 us": us(last) };
}

/** @returns {Round} */
function promise() {
  return async () => {
    let resolve = () => {};
    const woken = new Promise((r) => {
      resolve = () => r(undefined);
    }).then(now);
    const start = now();
    resolve();
    return (await woken) - start;
  };
}

/** @returns {Round} */
function limitset() {
  const limits = slot();
  return async () => {
    const held = limits.tryAcquire();
    const woken = limits.acquire().then((acquisition) => ({ end: now(), acquisition }));
    const start = now();
    held.release();
    const { end, acquisition } = await woken;
    acquisition.release();
    return end - start;
  };
}

/** @returns {Round} */
function sema() {
  const one = new Sema(1);
  return async () => {
    one.tryAcquire();
    const woken = one.acquire().then(now);
    const start = now();
    one.release();
    const end = await woken;
    one.release();
    return end - start;
  };
}

/** Rounds of a queue of tasks, in which the end of a task is the release. @param {(task: () => Promise<number>) => Promise<number>} add @returns {Round} */
function tasks(add) {
  return async () => {
    const ended = add(async () => {
      await pause();
      return now();
    });
    const began = add(async () => now());
    return -(await ended) + (await began);
  };
}

function pLimitTask() {
  return tasks(pLimit(1));
}

function pQueueTask() {
  const queue = new PQueue({ concurrency: 1 });
  return tasks((task) => queue.add(task));
}

/** @param {string} way */
function thread(way) {
  return async (/** @type {boolean} */ quick) => {
    const cell = new SharedArrayBuffer(8);
    const limits = slot();
    const worker = new Worker(program, { workerData: { handle: shareLimits(limits).handle, cell } });
    const word = new Int32Array(cell);
    const release = {
      message: () => worker.postMessage({ go: true }),
      notify: () => {
        Atomics.add(word, 0, 1);
        Atomics.notify(word, 0);
      },
    };
    const delays = await drive(worker, (message) => worker.postMessage(message), {
      way,
      rounds: quick ? FEW : ROUNDS,
      limits,
      release: release[/** @type {keyof typeof release} */ (way)],
    });
    await worker.terminate();
    limits.close();
    return figuresOf(delays);
  };
}

/** @param {string} way */
function anotherProcess(way) {
  return async (/** @type {boolean} */ quick) => {
    const limits = slot();
    const child = fork(program, { execArgv: [] });
    serveLimits(limits, child);
    const delays = await drive(child, (message) => child.send(message), {
      way,
      rounds: quick ? FEW : ROUNDS,
      limits,
      release: way === "message" ? () => child.send({ go: true }) : undefined,
    });
    child.kill();
    limits.close();
    return figuresOf(delays);
  };
}

/**
 * Lets the other side wait, then releases. The other side answers with the time at which it went on.
 *
 * @param {import("node:events").EventEmitter} other @param {(message: object) => void} send
 * @param {{ way: string, rounds: number, limits: ReturnType<typeof slot>, release: (() => void) | undefined }} job
 */
async function drive(other, send, { way, rounds, limits, release }) {
  /** @type {(key: string) => Promise<number>} */
  const hear = (key) =>
    new Promise((resolve) => {
      other.on("message", function listen(/** @type {Record<string, number>} */ message) {
        const value = message[key];
        if (value === undefined) return;
        other.off("message", listen);
        resolve(value);
      });
    });
  await hear("ready");
  /** @type {number[]} */
  const delays = [];
  for (let i = 0; i < rounds; i++) {
    // The other side may not have given the slot back yet.
    const held = release ? undefined : await limits.acquire();
    const waits = hear("waits");
    send({ way });
    await waits;
    await pause();
    const woken = hear("woken");
    const start = now();
    if (release) release();
    else held?.release();
    delays.push((await woken) - start);
  }
  return delays;
}
