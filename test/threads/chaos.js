/**
 * Takes from several sets at random and gives back, until it is killed. It closes sets, and attaches again where it has closed one
 * or was reclaimed. It ends by itself when all its handles are void. It reports each take before and after.
 */
import { parentPort, workerData } from "node:worker_threads";
import { InvalidHandleError, LimitSetClosedError, TooManyThreadsError } from "limitset";
import { attachLimits } from "limitset/threads";
import { step } from "./steps.js";

/**
 * @typedef {object} Part
 * @property {import("limitset/threads").LimitSetHandle<string>} handle
 * @property {import("limitset").LimitSet<string> | undefined} limits
 * @property {import("limitset").Acquisition<string>[]} held
 * @property {number} busy Where among the reports it says that it is about to take.
 */

/** @type {{ reports: Int32Array, slot: number, sets: number, seed: number }} */
const { reports, slot, sets, seed } = workerData;

let state = seed;
/** @param {number} below */
function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

/** @type {Part[]} */
const parts = [];

/** @param {Part} part Returns false if the handle is void. */
function attach(part) {
  try {
    part.limits = attachLimits(part.handle, { onWarning: () => {} });
    part.held = [];
  } catch (error) {
    if (error instanceof InvalidHandleError) return false;
    if (!(error instanceof TooManyThreadsError)) throw error;
  }
  return true;
}

/** @param {Part} part Returns false if the part is over. */
function act(part) {
  const { limits, held, busy } = part;
  if (!limits) return attach(part);
  if (random(3000) === 0) {
    limits.close();
    part.limits = undefined;
    return true;
  }
  reports[busy] = 1;
  try {
    const granted = () => {
      reports[busy + 1] = (reports[busy + 1] ?? 0) + 1;
    };
    step({ limits, held, random, granted });
  } catch (error) {
    if (!(error instanceof LimitSetClosedError)) throw error;
    part.limits = undefined;
  }
  reports[busy] = 0;
  return true;
}

function turn() {
  for (let i = 0; i < 1000 && parts.length > 0; i++) {
    const at = random(parts.length);
    const part = /** @type {Part} */ (parts[at]);
    if (!act(part)) parts.splice(at, 1);
  }
  if (parts.length > 0) setImmediate(turn);
  else parentPort?.close();
}

parentPort?.on("message", (handle) => {
  parts.push({ handle, limits: undefined, held: [], busy: slot + 2 * parts.length });
  if (parts.length === sets) turn();
});
