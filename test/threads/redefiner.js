/** A thread that takes, waits, blocks, gives back, and redefines the set at random, until it is killed. */
import { parentPort, workerData } from "node:worker_threads";
import { AcquireTimeoutError, DeadlockError, RateLimit, RateLimitAlgorithm, ResourceLimit } from "limitset";
import { attachLimits } from "limitset/threads";

/**
 * What each thread reports: its takes that are not answered yet, its grants, its redefinitions, what it has seen that must not be, whether
 * it is in a release, and the tokens that its releases have given back.
 */
export const WORDS = 6;
/** The tokens of each take, of which at least one is used. */
export const TOKENS = 3;
/** The largest capacity of the slots under any definitions. */
export const SLOTS = 5;
const YEAR_MS = 365 * 86_400_000;
const LARGE = 2 ** 40;

/**
 * The definitions of a kind: each has its own limits, in its own order. The months are those of the time zone.
 *
 * @param {number} kind
 * @param {string} timeZone
 */
export function definitions(kind, timeZone) {
  const { FixedWindow, TokenBucket, SlidingWindow, GCRA } = RateLimitAlgorithm;
  const counter = (/** @type {string} */ key) =>
    new RateLimit({ key, capacity: LARGE + kind, windowMs: YEAR_MS, algorithm: FixedWindow });
  const tokens = (/** @type {string} */ key) =>
    new RateLimit({
      ...{ key, counts: "tokens", capacity: LARGE - kind },
      ...(key.startsWith("month")
        ? { algorithm: FixedWindow, every: "month", timeZone }
        : { algorithm: kind === 1 ? GCRA : TokenBucket, windowMs: YEAR_MS }),
    });
  const rate = (/** @type {string} */ key, /** @type {RateLimitAlgorithm} */ algorithm) =>
    new RateLimit({ key, capacity: 300 + 100 * kind, windowMs: 20, algorithm });
  const slots = new ResourceLimit({ key: "slots", capacity: SLOTS - kind });
  const months = [tokens("month"), tokens("month again")];
  const years = [tokens("year"), tokens("year again")];
  const all = [
    [counter("total"), counter("twin"), slots, rate("changing", TokenBucket), ...months, ...years],
    [
      ...years,
      rate("changing", SlidingWindow),
      slots,
      counter("twin"),
      ...months,
      rate("more", GCRA),
      counter("total"),
    ],
    [...months.toReversed(), counter("twin"), slots, ...years.toReversed(), counter("total")],
  ];
  return /** @type {import("limitset").LimitLike<string, string>[]} */ (all[kind]);
}

/**
 * Whether what `stats` tells can be of one moment: two limits that count alike are always equal, whatever the definitions.
 *
 * @param {Readonly<Record<string, import("limitset").LimitStats>>} stats
 */
export function isWhole({ total, twin, slots, month, year, ...again }) {
  return (
    total?.used === twin?.used &&
    month?.used === again["month again"]?.used &&
    year?.used === again["year again"]?.used &&
    (slots?.used ?? 0) <= SLOTS
  );
}

if (parentPort) {
  const { reports, slot, seed, timeZone } = workerData;
  let state = seed | 0;
  const random = (/** @type {number} */ below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) % below;
  };
  parentPort.once("message", async (handle) => {
    const limits = attachLimits(handle, { onWarning: () => {} });
    const request = { total: 1, twin: 1, slots: 1, tokens: TOKENS };
    /** @type {import("limitset").Acquisition<string>[]} */
    const held = [];
    /** @type {Promise<void>[]} */
    const waiting = [];
    const keep = (/** @type {import("limitset").Acquisition<string>} */ taken) => {
      if (taken.successful) {
        reports[slot + 1]++;
        held.push(taken);
      }
      reports[slot]--;
    };
    const turnedAway = (/** @type {unknown} */ error) => {
      // A thread whose own holdings are all that is in the way may not block.
      if (!(error instanceof AcquireTimeoutError || error instanceof DeadlockError)) throw error;
      reports[slot]--;
    };
    const release = () => {
      const acquisition = held.splice(random(held.length), 1)[0];
      const used = 1 + random(TOKENS);
      reports[slot + 4] = 1;
      acquisition?.update({ tokens: used });
      acquisition?.release();
      reports[slot + 5] += TOKENS - used;
      reports[slot + 4] = 0;
    };
    for (;;) {
      for (let steps = random(100); steps >= 0; steps--) {
        const what = random(100);
        if (what < 3) {
          limits.redefine(definitions(random(3), timeZone));
          reports[slot + 2]++;
        } else if (what < 8) {
          if (!isWhole(limits.stats())) reports[slot + 3]++;
        } else if (held.length > 0 && what < 55) {
          release();
        } else if (what < 57) {
          // It waits while this thread and others redefine the set.
          reports[slot]++;
          waiting.push(limits.acquire(request, { timeoutMs: random(6) }).then(keep, turnedAway));
        } else if (what < 58) {
          reports[slot]++;
          try {
            keep(limits.acquireSync(request, { timeoutMs: random(3) }));
          } catch (error) {
            turnedAway(error);
          }
        } else {
          reports[slot]++;
          keep(limits.tryAcquire(request));
        }
      }
      await Promise.all(waiting.splice(0));
    }
  });
}
