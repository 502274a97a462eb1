/** Checks that the rewrite gives the same answers as the library: a rewrite that does less would be no floor. */
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { ManualClock } from "limitset/testing";
import { PlainSet } from "./set.js";

const STEPS = 2000;

/**
 * Small limits, which refuse now and then. A process that measures must not run this: there the library has to see one clock only.
 */
export function checkPlain() {
  checkAgreement([new RateLimit({ key: "input", capacity: 100, windowMs: 50 })]);
  checkAgreement([
    new CallLimit({ capacity: 20, windowMs: 100 }),
    new RateLimit({ key: "input", capacity: 70, windowMs: 33 }),
    new RateLimit({ key: "output", capacity: 100, windowMs: 500 }),
    new ResourceLimit({ key: "connections", capacity: 7 }),
  ]);
}

/**
 * Sends the same requests to both for a while, with the same clock, and throws if they differ.
 * @param {readonly import("limitset").Limit<string>[]} limits
 */
function checkAgreement(limits) {
  const clock = new ManualClock();
  const theirs = new LimitSet({ limits, clock });
  const ours = new PlainSet({ limits, clock });
  const rates = limits.filter(({ type }) => type === "rate");
  /** @type {[ReturnType<typeof theirs.tryAcquire>, ReturnType<PlainSet["tryAcquire"]>][]} */
  const held = [];
  const random = generator(7);
  const below = (/** @type {number} */ most) => Math.floor(random() * (most + 1));
  for (let step = 0; step < STEPS; step++) {
    clock.advance(below(40) / 8);
    const request = Object.fromEntries(rates.map(({ key, capacity }) => [key, below(capacity / 2)]));
    const pair = /** @type {typeof held[number]} */ ([theirs.tryAcquire(request), ours.tryAcquire(request)]);
    same(...pair);
    if (pair[0].successful) held.push(pair);
    if (random() < 0.5) continue;
    const [[theirOne, ourOne] = pair] = held.splice(below(held.length - 1), 1);
    const usage = Object.fromEntries(
      Object.keys(request).map((key) => [key, below(theirOne.requested[key] ?? 0)]),
    );
    for (const one of [theirOne, ourOne]) {
      if (one.successful) one.update(usage);
      one.release();
    }
  }
  theirs.close();
}

/** @typedef {{ successful: boolean, retryAfterMs: number, limitedBy: readonly string[], requested: object }} Answer */

/** @param {Answer} theirs @param {Answer} ours */
function same(theirs, ours) {
  const [one, other] = [theirs, ours].map(({ successful, retryAfterMs, limitedBy, requested }) =>
    JSON.stringify([successful, `${retryAfterMs}`, limitedBy, requested]),
  );
  if (one !== other) throw new Error(`the plain rewrite answers ${other} where limitset answers ${one}`);
}

/** The same numbers in each run (Park and Miller's generator). @param {number} seed */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
