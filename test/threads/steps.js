/** One random step of a thread that takes and gives back, and the words in which such threads report. */
import { AcquireTimeoutError, DeadlockError } from "limitset";

// Words of all threads.
/** Not 0: the threads come to their end. */
export const STOP = 0;
/** The number of the newest handle. */
export const HANDLE = 1;
/** Counts the rounds. */
export const ROUND = 2;
/** Not 0: the round ends, and no thread attaches any more. */
export const ENDING = 3;
/** How many threads rest until the next round. */
export const AT_REST = 4;
const FIRST = 5;

/** The words of one thread. */
export const WORDS = 2;

/** @param {number} index */
export function words(index) {
  const granted = FIRST + index * WORDS;
  return { granted, lives: granted + 1 };
}

/**
 * @typedef {object} Life
 * @property {import("limitset").LimitSet<string>} limits
 * @property {import("limitset").Acquisition<string>[]} held
 * @property {(below: number) => number} random
 * @property {() => void} granted Reports a grant.
 */

/** @param {Life} life */
export function step({ limits, held, random, granted }) {
  if (random(64) === 0) {
    check(limits.stats());
    return;
  }
  if (held.length > 0 && random(2) === 0) {
    const [acquisition] = held.splice(random(held.length), 1);
    if (random(2) === 0) acquisition?.update({ tokens: 0 });
    acquisition?.release();
    return;
  }
  const requested = {
    total: 1,
    twin: 1,
    tokens: 1 + random(3),
    cells: random(2),
    bucket: random(2),
    log: random(3),
    db: random(2),
    slots: random(2),
  };
  const acquisition = random(200) === 0 ? blocking(limits, requested) : limits.tryAcquire(requested);
  if (!acquisition?.successful) return;
  granted();
  held.push(acquisition);
}

/** @param {import("limitset").LimitSet<string>} limits @param {Record<string, number>} requested */
function blocking(limits, requested) {
  try {
    return limits.acquireSync(requested, { timeoutMs: 1 });
  } catch (error) {
    if (!(error instanceof AcquireTimeoutError || error instanceof DeadlockError)) throw error;
    return undefined;
  }
}

/**
 * Throws if the limits were not read at one moment, or more is in use than there is.
 *
 * @param {Readonly<Record<string, import("limitset").LimitStats>>} stats
 */
export function check(stats) {
  const { total, twin } = stats;
  const torn = total?.used !== twin?.used;
  const wrong = Object.entries(stats).filter(([, { available, used }]) => !(available >= 0 && used >= 0));
  if (torn || wrong.length > 0) throw new Error(`torn or wrong: ${JSON.stringify(stats)}`);
}
