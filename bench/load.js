/** Loads that always want more, and records of their grants. */
import { setImmediate as turn } from "node:timers/promises";

/**
 * The time of a grant, by `performance.now()`: not before `from`, and not after `to`.
 *
 * @typedef {{ from: number, to: number }} Granted
 */

/** The number of callers that wait at a time. */
const CALLERS = 20;
/** The number of tries in one turn of the event loop. Between turns, timers of the limiter can fire. */
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

/**
 * The time of a grant cannot be seen from outside. So the time at which the waiter goes on counts.
 *
 * @param {() => Promise<unknown>} ask @param {number} ms
 */
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

/** The resolution of a clock of whole microseconds. */
const RESOLUTION_MS = 0.001;

/**
 * The most grants that surely lie in one window. The window is shorter by the resolution of clocks.
 *
 * @param {readonly Granted[]} granted @param {number} windowMs
 */
export function worstWindow(granted, windowMs) {
  let worst = 0;
  let first = 0;
  granted.forEach(({ to }, last) => {
    while (to - /** @type {Granted} */ (granted[first]).from >= windowMs - RESOLUTION_MS) first++;
    worst = Math.max(worst, last - first + 1);
  });
  return worst;
}

/**
 * The most grants in one window that begins at a multiple of its length since the epoch.
 *
 * @param {readonly Granted[]} granted @param {number} windowMs
 */
export function worstAligned(granted, windowMs) {
  /** @type {Map<number, number>} */
  const windows = new Map();
  for (const { from, to } of granted) {
    const number = Math.floor((performance.timeOrigin + from) / windowMs);
    // A grant that may lie on either side of a boundary counts in no window.
    if (number !== Math.floor((performance.timeOrigin + to) / windowMs)) continue;
    windows.set(number, (windows.get(number) ?? 0) + 1);
  }
  return Math.max(0, ...windows.values());
}
