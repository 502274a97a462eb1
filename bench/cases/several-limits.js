import { Sema } from "async-sema";
import { Effect, Semaphore } from "effect";
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { freshLoops } from "../loops.js";
import { limiterFamily, remove } from "../peers/limiter.js";
import { PlainSet } from "../plain/set.js";
import { HOUR_MS, PLENTY } from "../sets.js";

export const FAMILY = "limiter, parent and child: 2 limits, taken";
export const FOUR = "limitset, 4: calls, 2 rates, resource; taken, released";
const PLAIN_FOUR = "floor: those 4 in plain JavaScript; taken, released";
const FOUR_UPDATED = "limitset, the same 4; taken, updated, released";
const PLAIN_UPDATED = "floor: those 4 in plain JavaScript; taken, updated, released";
const ONE_UPDATED = "limitset, 1: rate; taken, updated, released";
const PLAIN_ONE = "floor: that 1 in plain JavaScript; taken, updated, released";
const SLOT = "limitset, 1 resource, tried, released";
const PLAIN_SLOT = "floor: that in plain JavaScript";
const SEMA = "async-sema: 1 resource, tried, released";

const KEYS = ["input", "output", "cached", "bytes", "cents", "images", "pages", "rows"];
const rate = (/** @type {string} */ key) => new RateLimit({ key, capacity: PLENTY, windowMs: HOUR_MS });
const calls = new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS });
const slots = (/** @type {string} */ key) => new ResourceLimit({ key, capacity: 100 });
const one = { limits: [rate("input")] };
const four = { limits: [calls, rate("input"), rate("output"), slots("connections")] };
const eight = { limits: [calls, ...rates(5), slots("connections"), slots("workers")] };
const charge = /** @type {const} */ ({ missingUpdate: "charge" });

/** @returns {Promise<import("../measure.js").Section>} */
export async function severalLimits() {
  const against = { "x limiter's 2": FAMILY };
  const sema = { ...against, "x async-sema": SEMA };
  const plain = (/** @type {string} */ name) => ({ ...against, "x plain": name });
  const ours = await freshLoops();
  const theirs = await freshLoops();
  return {
    title: "Several limits, taken and released",
    work: "take 1 of each rate; or 10 of each rate and 1 of the rest, at once, where updated report 7 used of each rate, which refunds 3, and release. A child of `limiter` takes the same amount from all, and gives nothing back",
    columns: ["x limiter's 2", "x plain", "x async-sema"],
    cases: [
      { name: FAMILY, run: remove(limiterFamily(2)), against },
      { name: "limiter, 4 in a row, taken", run: remove(limiterFamily(4)), against },
      { name: "limiter, 8 in a row, taken", run: remove(limiterFamily(8)), against },
      { name: "limitset, 1 rate, taken", run: ours.takeOne(new LimitSet(one)), against },
      { name: "limitset, 2 rates, taken", run: ours.takeTwo(new LimitSet({ limits: rates(2) })), against },
      { name: "limitset, 4 rates, taken", run: ours.takeFour(new LimitSet({ limits: rates(4) })), against },
      { name: "limitset, 8 rates, taken", run: ours.takeEight(new LimitSet({ limits: rates(8) })), against },
      { name: PLAIN_ONE, run: theirs.useOne(new PlainSet(one)), against },
      { name: ONE_UPDATED, run: ours.useOne(new LimitSet(one)), against: plain(PLAIN_ONE) },
      {
        name: "limitset, 2: calls, rate; taken, updated, released",
        run: (await freshLoops()).useOne(new LimitSet({ limits: [calls, rate("input")] })),
        against,
      },
      { name: PLAIN_FOUR, run: theirs.releaseTwoRates(new PlainSet({ ...four, ...charge })), against },
      {
        name: FOUR,
        run: ours.releaseTwoRates(new LimitSet({ ...four, ...charge })),
        against: plain(PLAIN_FOUR),
      },
      { name: PLAIN_UPDATED, run: theirs.useTwoRates(new PlainSet(four)), against },
      { name: FOUR_UPDATED, run: ours.useTwoRates(new LimitSet(four)), against: plain(PLAIN_UPDATED) },
      {
        name: "limitset, 8: calls, 5 rates, 2 resources; taken, updated, released",
        run: ours.useFiveRates(new LimitSet(eight)),
        against,
      },
      { name: SEMA, run: semaphore(), against: sema },
      { name: "effect, Semaphore: 1 resource, tried, released", run: effectSemaphore(), against: sema },
      {
        name: PLAIN_SLOT,
        run: theirs.releaseUnasked(new PlainSet({ limits: [slots("connections")] })),
        against: sema,
      },
      {
        name: SLOT,
        run: ours.releaseUnasked(new LimitSet({ limits: [slots("connections")] })),
        against: { ...sema, "x plain": PLAIN_SLOT },
      },
    ],
  };
}

/** @param {number} count */
function rates(count) {
  return KEYS.slice(0, count).map(rate);
}

function semaphore() {
  const sema = new Sema(100);
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      if (sema.tryAcquire()) done++;
      sema.release();
    }
    return done;
  };
}

function effectSemaphore() {
  const semaphore = Semaphore.makeUnsafe(100);
  const taking = semaphore.takeIfAvailable(1);
  const giving = semaphore.release(1);
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      if (Effect.runSync(taking)) done++;
      Effect.runSync(giving);
    }
    return done;
  };
}
