/**
 * Takes and gives back at random, life after life: it attaches, goes on until it finds that it has been reclaimed, and attaches
 * again at once. It reports each grant. Between rounds it rests without a life.
 */
import { workerData } from "node:worker_threads";
import { LimitSetClosedError, TooManyThreadsError } from "limitset";
import { attachLimits } from "limitset/threads";
import { AT_REST, ENDING, HANDLE, ROUND, STOP, step, words } from "./steps.js";

/** @type {{ reports: Int32Array, index: number, seed: number, handle: import("limitset/threads").LimitSetHandle<string> }} */
const { reports, index, seed, handle } = workerData;
const at = words(index);

let state = seed;
/** @param {number} below */
function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

/** Undefined if the round ends. */
function attach() {
  while (Atomics.load(reports, ENDING) === 0) {
    try {
      // The number of the newest handle is read from shared memory: a message would come only after this turn.
      const number = Atomics.load(reports, HANDLE);
      return attachLimits({ ...handle, number }, { onWarning: () => {} });
    } catch (error) {
      const { code } = /** @type {{ code?: string }} */ (error);
      if (!(error instanceof TooManyThreadsError) && code !== "ERR_INVALID_HANDLE") throw error;
    }
  }
  return undefined;
}

/** @param {import("limitset").LimitSet<string>} limits */
function live(limits) {
  /** @type {import("limitset").Acquisition<string>[]} */
  const held = [];
  Atomics.add(reports, at.lives, 1);
  const granted = () => Atomics.add(reports, at.granted, 1);
  try {
    for (let left = 1 + random(20_000); left > 0; left--) step({ limits, held, random, granted });
    limits.close();
  } catch (error) {
    if (!(error instanceof LimitSetClosedError)) throw error;
  }
}

while (reports[STOP] === 0) {
  const round = Atomics.load(reports, ROUND);
  for (let limits = attach(); limits; limits = attach()) live(limits);
  Atomics.add(reports, AT_REST, 1);
  Atomics.notify(reports, AT_REST);
  Atomics.wait(reports, ROUND, round);
}
