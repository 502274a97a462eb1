/** The bounds of what the library may cost. A bound is on the ratio of two cases of one section. */

import { BUCKET, INTERVAL, RATE } from "./cases/awaited.js";
import { FLOOR, OURS } from "./cases/one-limit.js";
import { IPC, IPC_PING, PORT, PORT_PING } from "./cases/ports.js";
import { REDIS_FLEXIBLE, REDIS_FOUR, REDIS_ONE, SUFFIXES } from "./cases/redis.js";
import { granted, KINDS } from "./cases/refused.js";
import { FAMILY, FOUR } from "./cases/several-limits.js";
import { ALONE, APART, HOT, LONE_FLOOR, SPREAD_ALONE, TWIN_FLOOR, USERS_SPREAD } from "./cases/threads.js";
import { floorOf, rateOf, slotOf } from "./cases/waiting.js";
import { MANY_LINES, ONE_LINE, REFUSED } from "./cases/waiting-lines.js";
import { MANY_PARTITIONS, ONE_PARTITION } from "./cases/waiting-partitions.js";
import { ratioByRound } from "./measure.js";
import { grid, times } from "./table.js";

/**
 * @typedef {object} Bound
 * @property {string} bound
 * @property {string} of
 * @property {string} to
 * @property {number} atMost
 * @property {{ of: string, to: string }} [beside] two floors; the ratio is divided by theirs
 */

/** @type {Bound[]} */
const BOUNDS = [
  { bound: "1 limit, tryAcquire / three-line bucket", of: OURS, to: FLOOR, atMost: 1.35 },
  { bound: "4 limits, taken and released / limiter's 2", of: FOUR, to: FAMILY, atMost: 0.6 },
  { bound: "acquire, awaited / limiter's TokenBucket", of: RATE, to: BUCKET, atMost: 0.4 },
  { bound: "acquire, awaited / limiter's RateLimiter", of: RATE, to: INTERVAL, atMost: 0.4 },
  ...KINDS.map((kind) => ({ bound: `refusal / grant: ${kind}`, of: kind, to: granted(kind), atMost: 1 })),
  ...flat("resource", slotOf),
  ...flat("rate", rateOf),
  { bound: "a waiter of 10,000 lines / of one line", of: MANY_LINES, to: ONE_LINE, atMost: 3 },
  { bound: "a waiter of 100,000 partitions / of one", of: MANY_PARTITIONS, to: ONE_PARTITION, atMost: 1.5 },
  ...REFUSED.map(({ of, to }) => ({ bound: `refusal behind waiters / without: ${of}`, of, to, atMost: 1.5 })),
  // A ratio of times per acquisition of both threads together. Their throughput is at least 0.6 and 1.6 times that of one thread.
  { bound: "2 threads, one set / 1 thread", of: HOT, to: ALONE, atMost: 1 / 0.6 },
  { bound: "2 threads, a set each / 1 thread", of: APART, to: ALONE, atMost: 1 / 1.6 },
  {
    bound: "2 threads, distinct partitions, 128 heads / 1 thread",
    of: USERS_SPREAD,
    to: SPREAD_ALONE,
    atMost: 1 / 1.6,
  },
  {
    // On a machine without two free processors, even two threads that share nothing are no faster than one.
    bound: "2 threads, a set each / 1 thread, beside two floors",
    of: APART,
    to: ALONE,
    atMost: 1.25,
    beside: { of: TWIN_FLOOR, to: LONE_FLOOR },
  },
  { bound: "acquire over a process's channel / ping-pong", of: IPC, to: IPC_PING, atMost: 1.5 },
  { bound: "acquire over a MessagePort / ping-pong", of: PORT, to: PORT_PING, atMost: 1.5 },
  ...SUFFIXES.flatMap(({ suffix, atMost: [one, four] }) => [
    {
      bound: `1 limit on Redis / rate-limiter-flexible${suffix}`,
      of: REDIS_ONE + suffix,
      to: REDIS_FLEXIBLE + suffix,
      atMost: one,
    },
    {
      bound: `4 limits on Redis / one of rate-limiter-flexible${suffix}`,
      of: REDIS_FOUR + suffix,
      to: REDIS_FLEXIBLE + suffix,
      atMost: four,
    },
  ]),
];

/**
 * The time per waiter does not grow with the number of waiters, or grows no more than that of a list of promises.
 *
 * @param {string} what @param {(size: number) => string} named
 * @returns {Bound[]}
 */
function flat(what, named) {
  const growth = { of: named(1e5), to: named(1e3), atMost: 1.3 };
  const beside = { of: floorOf(1e5), to: floorOf(1e3) };
  const bound = `a waiter of 100,000 / of 1,000, ${what}`;
  return [
    { bound, ...growth },
    { bound: `${bound}, beside a list of promises`, ...growth, beside },
  ];
}

/**
 * The verdicts on all bounds whose cases were measured.
 *
 * @param {readonly Record<string, number[]>[]} sections the times of each case, by round
 */
export function judge(sections) {
  return BOUNDS.flatMap(({ bound, of, to, atMost, beside }) => {
    for (const times of sections) {
      const ratios = byRound(times, of, to);
      const base = beside ? byRound(times, beside.of, beside.to) : ratios?.map(() => 1);
      if (ratios && base) {
        const ratio = ratioByRound(ratios, base);
        return [{ bound, atMost, ratio, verdict: verdictOf(ratio, atMost) }];
      }
    }
    return [];
  });
}

/** @param {Record<string, number[]>} times @param {string} of @param {string} to */
function byRound(times, of, to) {
  const base = times[to];
  return base && times[of]?.map((ns, round) => ns / (base[round] ?? Number.NaN));
}

/**
 * A bound between the quartiles of the ratio neither holds nor fails, since another run may give another median.
 *
 * @param {import("./measure.js").Spread} ratio @param {number} atMost
 */
function verdictOf(ratio, atMost) {
  if (ratio.median <= atMost) return "holds";
  return ratio.low <= atMost ? "even" : "FAILS";
}

/** @param {ReturnType<typeof judge>} judged */
export function verdicts(judged) {
  const rows = judged.map(({ bound, atMost, ratio, verdict }) => [
    bound,
    atMost.toFixed(2),
    times(ratio),
    verdict,
  ]);
  return `## Bounds\n\n${grid(["", "at most", "measured", ""], rows)}\n`;
}
