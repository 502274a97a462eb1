/** A thread that takes, gives back, and redefines the set at random, until it is killed. */
import { parentPort, workerData } from "node:worker_threads";
import { RateLimit, RateLimitAlgorithm, ResourceLimit } from "limitset";
import { attachLimits } from "limitset/threads";

/** What each thread reports: whether it is in a take, its grants, its redefinitions, and what it has seen that must not be. */
export const WORDS = 4;
/** The largest capacity of the slots under any definitions. */
export const SLOTS = 5;
const YEAR_MS = 365 * 86_400_000;
const LARGE = 2 ** 40;

/**
 * The definitions of a kind: each has its own limits, in its own order.
 *
 * @param {number} kind
 */
export function definitions(kind) {
  const { FixedWindow, TokenBucket, SlidingWindow, GCRA } = RateLimitAlgorithm;
  const counter = (/** @type {string} */ key) =>
    new RateLimit({ key, capacity: LARGE + kind, windowMs: YEAR_MS, algorithm: FixedWindow });
  const rate = (/** @type {string} */ key, /** @type {RateLimitAlgorithm} */ algorithm) =>
    new RateLimit({ key, capacity: 300 + 100 * kind, windowMs: 20, algorithm });
  const slots = new ResourceLimit({ key: "slots", capacity: SLOTS - kind });
  const all = [
    [counter("total"), counter("twin"), slots, rate("changing", TokenBucket)],
    [rate("changing", SlidingWindow), slots, counter("twin"), rate("more", GCRA), counter("total")],
    [counter("twin"), slots, counter("total")],
  ];
  return /** @type {import("limitset").LimitLike<string, string>[]} */ (all[kind]);
}

if (parentPort) {
  const { reports, slot, seed } = workerData;
  let state = seed | 0;
  const random = (/** @type {number} */ below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) % below;
  };
  parentPort.once("message", (handle) => {
    const limits = attachLimits(handle, { onWarning: () => {} });
    /** @type {import("limitset").Acquisition<string>[]} */
    const held = [];
    for (;;) {
      const what = random(100);
      if (what < 3) {
        limits.redefine(definitions(random(3)));
        reports[slot + 2]++;
      } else if (what < 8) {
        const { total, twin, slots } = limits.stats();
        const isWhole = total?.used === twin?.used && (slots?.used ?? 0) <= SLOTS;
        if (!isWhole) reports[slot + 3]++;
      } else if (held.length > 0 && what < 55) {
        held.splice(random(held.length), 1)[0]?.release();
      } else {
        reports[slot] = 1;
        const taken = limits.tryAcquire({ total: 1, twin: 1, slots: 1 });
        if (taken.successful) {
          reports[slot + 1]++;
          held.push(taken);
        }
        reports[slot] = 0;
      }
    }
  });
}
