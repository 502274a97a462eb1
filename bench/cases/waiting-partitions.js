import { LimitSet, RateLimit } from "limitset";
import { ManualClock } from "limitset/testing";
import { PLENTY } from "../sets.js";

const WAITERS = 100_000;
const shown = WAITERS.toLocaleString("en");

export const ONE_PARTITION = `${shown} waiters, of one partition`;
export const MANY_PARTITIONS = `${shown} waiters, each of a partition of its own`;
const IN_TURN = `${MANY_PARTITIONS}, served in turn (fairBy)`;
const OF_ALL = `${shown} waiters, of no partition`;

/** @returns {import("../measure.js").Section} */
export function waitingPartitions() {
  return {
    title: "Waiting in partitions",
    work: `${shown} ask for a rate of 100 a millisecond of all, which is used up, and of one user each, and are served, on a clock that is moved by hand. Time per waiter, from the making of its view to served`,
    columns: ["x one partition"],
    cases: [
      drained(OF_ALL, false, (limits) => limits),
      drained(ONE_PARTITION, true, (limits) => limits.for({ user: "all" })),
      drained(MANY_PARTITIONS, true, (limits, i) => limits.for({ user: `user ${i}` })),
      drained(IN_TURN, true, (limits, i) => limits.for({ user: `user ${i}` }), { fairBy: "user" }),
    ],
  };
}

/** @typedef {{ acquire(request: { tokens: number }): Promise<{ successful: boolean }> }} Asked */

/**
 * @param {string} name @param {boolean} isPer @param {(limits: LimitSet<"tokens", string>, i: number) => Asked} viewOf @param {object} [options]
 * @returns {import("../measure.js").Case}
 */
function drained(name, isPer, viewOf, options = {}) {
  const clock = new ManualClock();
  const all = new RateLimit({ key: "tokens", capacity: 100, windowMs: 1 });
  const each = { key: "each", counts: "tokens", capacity: PLENTY, windowMs: 1000, per: "user" };
  const made = isPer
    ? new LimitSet({
        limits: [all, new RateLimit(/** @type {import("limitset").RateLimitOptions<string>} */ (each))],
        partitions: /** @type {{}} */ ({ user: { max: 2 * WAITERS } }),
        clock,
        ...options,
      })
    : new LimitSet({ limits: [all], clock });
  const limits = /** @type {LimitSet<"tokens", string>} */ (/** @type {unknown} */ (made));
  const run = async (/** @type {number} */ n) => {
    let done = 0;
    for (let left = n; left > 0; left -= WAITERS) {
      const early = isPer ? limits.for({ user: "early" }) : limits;
      early.tryAcquire({ tokens: 100 });
      const waiting = Array.from({ length: WAITERS }, async (_, i) => {
        if ((await viewOf(limits, i).acquire({ tokens: 1 })).successful) done++;
      });
      while (limits.waiting > 0) clock.advance(1);
      await Promise.all(waiting);
      // Far enough for all that was taken to be back.
      clock.advance(10_000);
    }
    return done;
  };
  return { name, run, step: WAITERS, against: { "x one partition": ONE_PARTITION } };
}
