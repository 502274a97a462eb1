import { LimitSet, RateLimit, RateLimitAlgorithm } from "limitset";
import { ManualClock } from "limitset/testing";

const WAITERS = 10_000;
const KEYS = Array.from({ length: 16 }, (_, index) => `limit ${index}`);
/** How many limits a request wants. */
const WANTED = 7;

export const ONE_LINE = "one line";
export const MANY_LINES = `${WAITERS.toLocaleString("en")} lines`;

const COUNTS = /** @type {const} */ ([1, 500, 100_000]);
const KINDS = /** @type {const} */ (["TokenBucket", "SlidingWindow", "FixedWindow"]);
/** @param {string} kind */
const unwaited = (kind) => `${kind}, none waits`;
/** @param {string} kind @param {number} count @param {number} lines */
const behind = (kind, count, lines) =>
  `${kind}, ${count.toLocaleString("en")} in ${lines === 1 ? "one line" : `${lines} lines`}`;

/** The refusals behind waiters, each with the one that it is compared with. */
export const REFUSED = KINDS.flatMap((kind) =>
  [...COUNTS.map((count) => behind(kind, count, 1)), behind(kind, 100_000, 255)].map((of) => ({
    of,
    to: unwaited(kind),
  })),
);

/** @returns {import("../measure.js").Section} */
export function waitingLines() {
  const requests = combinations(KEYS, WANTED);
  const one = Array(WAITERS).fill(requests[0]);
  // Each request comes behind others that want other limits: a step through all of them that meets each once.
  const many = Array.from({ length: WAITERS }, (_, i) => requests[(i * 7919) % requests.length] ?? {});
  return {
    title: "Waiting in lines",
    work: `${WAITERS.toLocaleString("en")} ask for ${WANTED} of ${KEYS.length} rates of 100 a millisecond each, which are used up, and are served, on a clock that is moved by hand: all for the same ones, or each for a combination of its own. Time per waiter, from asking to served`,
    columns: ["x one line"],
    cases: [drained(ONE_LINE, one), drained(MANY_LINES, many)],
  };
}

/** @returns {import("../measure.js").Section} */
export function refusedBehind() {
  return {
    title: "Refused behind waiters",
    work: "ask 1 of a limit that is used up, in a set of 8, be told no: while none waits, or behind so many",
    columns: ["x none waits"],
    cases: KINDS.flatMap((kind) => [
      refused(unwaited(kind), kind, 0, 1),
      ...COUNTS.map((count) => refused(behind(kind, count, 1), kind, count, 1)),
      refused(behind(kind, 100_000, 255), kind, 100_000, 255),
    ]),
  };
}

/** @param {string} name @param {Record<string, number>[]} requests @returns {import("../measure.js").Case} */
function drained(name, requests) {
  const clock = new ManualClock();
  const limits = new LimitSet({
    limits: KEYS.map((key) => new RateLimit({ key, capacity: 100, windowMs: 1 })),
    clock,
  });
  const all = Object.fromEntries(KEYS.map((key) => [key, 100]));
  const run = async (/** @type {number} */ n) => {
    let done = 0;
    for (let left = n; left > 0; left -= WAITERS) {
      limits.tryAcquire(all);
      const waiting = requests.map(async (request) => {
        if ((await limits.acquire(request)).successful) done++;
      });
      while (limits.waiting > 0) clock.advance(1);
      await Promise.all(waiting);
      clock.advance(1);
    }
    return done;
  };
  return { name, run, step: WAITERS, against: { "x one line": ONE_LINE } };
}

/** @param {string} name @param {typeof KINDS[number]} kind @param {number} count @param {number} lines @returns {import("../measure.js").Case} */
function refused(name, kind, count, lines) {
  const keys = KEYS.slice(0, 8);
  const first = /** @type {string} */ (keys[0]);
  const limits = new LimitSet({
    limits: keys.map(
      (key) => new RateLimit({ key, capacity: 100, windowMs: 1000, algorithm: RateLimitAlgorithm[kind] }),
    ),
    clock: new ManualClock(),
  });
  limits.tryAcquire(Object.fromEntries(keys.map((key) => [key, 100])));
  for (let i = 0; i < count; i++) {
    const wanted = 1 + (i % lines);
    limits.acquire(Object.fromEntries(keys.flatMap((key, bit) => ((wanted >> bit) & 1 ? [[key, 1]] : []))));
  }
  const run = (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if (!limits.tryAcquire({ [first]: 1 }).successful) done++;
    return done;
  };
  return { name, run, against: { "x none waits": unwaited(kind) } };
}

/** All requests for 1 of each of `count` of the keys. @param {readonly string[]} keys @param {number} count @returns {Record<string, number>[]} */
function combinations(keys, count) {
  if (count === 0) return [{}];
  return keys.flatMap((key, index) =>
    combinations(keys.slice(index + 1), count - 1).map((rest) => ({ [key]: 1, ...rest })),
  );
}
