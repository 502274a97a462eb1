/** Takes and gives back at random until it is killed, and reports each step before it does it. */
import { parentPort, workerData } from "node:worker_threads";
import { attachLimits } from "limitset/threads";

/** @type {{ reports: Int32Array, slot: number, seed: number }} */
const { reports, slot, seed } = workerData;
const BUSY = slot;
const GRANTED = slot + 1;
const REPEATS = slot + 2;

let state = seed;
/** @param {number} below */
function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

/** @type {import("limitset").Acquisition<string>[]} */
const held = [];

/** @param {import("limitset").LimitSet<string>} limits */
function step(limits) {
  if (held.length > 0 && random(2) === 0) {
    const [acquisition] = held.splice(random(held.length), 1);
    if (random(2) === 0) acquisition?.update({ tokens: 0 });
    acquisition?.release();
    return;
  }
  const requested = {
    total: 1,
    twin: 1,
    tokens: 1 + random(20),
    log: random(3),
    db: random(2),
    slots: random(2),
  };
  reports[BUSY] = 1;
  const acquisition = random(200) === 0 ? blocking(limits, requested) : limits.tryAcquire(requested);
  if (acquisition?.successful) {
    reports[GRANTED] = (reports[GRANTED] ?? 0) + 1;
    held.push(acquisition);
  }
  reports[BUSY] = 0;
}

/** @param {import("limitset").LimitSet<string>} limits @param {Record<string, number>} requested */
function blocking(limits, requested) {
  try {
    return limits.acquireSync(requested, { timeoutMs: 1 });
  } catch {
    return undefined;
  }
}

parentPort?.once("message", (handle) => {
  const limits = attachLimits(handle);
  const turn = () => {
    for (let i = 0; i < 2000; i++) step(limits);
    reports[REPEATS] = limits.repeats;
    setImmediate(turn);
  };
  turn();
});
