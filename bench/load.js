/** A load that always wants more, and what it was granted. */
import { setImmediate as turn } from "node:timers/promises";

/**
 * When each was granted, by `performance.now()`: not before `from`, not after `to`.
 * @typedef {{ from: number, to: number }} Granted
 */

/** Callers that wait at one time. */
const CALLERS = 20;
/** Tries between two turns of the event loop, in which timers and windows of the other side may come due. */
const TRIES = 20;

/** @param {() => boolean | Promise<boolean>} ask @param {number} ms @returns {Promise<Granted[]>} */
export async function trying(ask, ms) {
  /** @type {Granted[]} */
  const granted = [];
  const end = performance.now() + ms;
  for (let from = 0; from < end; ) {
    for (let i = 0; i < TRIES; i++) {
      from = performance.now();
      const answer = ask();
      if (typeof answer === "boolean" ? answer : await answer) {
        granted.push({ from, to: performance.now() });
      }
    }
    await turn();
  }
  return granted.filter(({ to }) => to < end);
}

/** When a grant was made is not to be seen from outside: only when whoever waited goes on. @param {() => Promise<unknown>} ask @param {number} ms */
export async function waiting(ask, ms) {
  /** @type {Granted[]} */
  const granted = [];
  const end = performance.now() + ms;
  const caller = async () => {
    for (;;) {
      await ask();
      const at = performance.now();
      if (at >= end) return;
      granted.push({ from: at, to: at });
    }
  };
  const callers = Array.from({ length: CALLERS }, caller);
  await Promise.race([Promise.all(callers), new Promise((resolve) => setTimeout(resolve, ms + 50))]);
  return granted.slice();
}

/** What a clock of whole microseconds cannot tell apart. */
const RESOLUTION_MS = 0.001;

/** The most that were surely granted within some window of that length, or shorter by what clocks can tell. @param {readonly Granted[]} granted @param {number} windowMs */
export function worstWindow(granted, windowMs) {
  let worst = 0;
  let first = 0;
  granted.forEach(({ to }, last) => {
    while (to - /** @type {Granted} */ (granted[first]).from >= windowMs - RESOLUTION_MS) first++;
    worst = Math.max(worst, last - first + 1);
  });
  return worst;
}

/** The most in a window that begins at a multiple of its length since the epoch. @param {readonly Granted[]} granted @param {number} windowMs */
export function worstAligned(granted, windowMs) {
  /** @type {Map<number, number>} */
  const windows = new Map();
  for (const { from, to } of granted) {
    const number = Math.floor((performance.timeOrigin + from) / windowMs);
    // What may have been granted on either side of a boundary counts nowhere.
    if (number !== Math.floor((performance.timeOrigin + to) / windowMs)) continue;
    windows.set(number, (windows.get(number) ?? 0) + 1);
  }
  return Math.max(0, ...windows.values());
}
