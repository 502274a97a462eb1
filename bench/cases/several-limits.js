import { Sema } from "async-sema";
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { HOUR_MS, limiterFamily, PLENTY, remove } from "../sets.js";

export const FAMILY = "limiter, parent and child: 2 limits, taken";
export const FOUR = "limitset, 4: calls, 2 rates, resource; taken, released";
const SEMA = "async-sema: 1 resource, tried, released";

const rate = (/** @type {string} */ key) => new RateLimit({ key, capacity: PLENTY, windowMs: HOUR_MS });
const calls = new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS });
const slots = (/** @type {string} */ key) => new ResourceLimit({ key, capacity: 100 });

/** @returns {import("../measure.js").Section} */
export function severalLimits() {
  const against = { "x limiter's 2": FAMILY };
  return {
    title: "Several limits, taken and released",
    work: "take 10 of each rate and 1 of the rest, at once; where updated, report 7 used of each rate, which refunds 3; release",
    columns: ["x limiter's 2", "x async-sema"],
    cases: [
      { name: FAMILY, run: remove(limiterFamily()), against },
      { name: "limitset, 2 rates, taken (no more)", run: taken(), against },
      { name: "limitset, 1: rate; taken, updated, released", run: one(), against },
      { name: "limitset, 2: calls, rate; taken, updated, released", run: two(), against },
      { name: FOUR, run: unreported(), against },
      { name: "limitset, the same 4; taken, updated, released", run: four(), against },
      { name: "limitset, 8: calls, 5 rates, 2 resources; taken, updated, released", run: eight(), against },
      { name: SEMA, run: semaphore(), against: { ...against, "x async-sema": SEMA } },
      {
        name: "limitset, 1 resource, tried, released",
        run: resource(),
        against: { ...against, "x async-sema": SEMA },
      },
    ],
  };
}

function taken() {
  const limits = new LimitSet({ limits: [rate("input"), rate("output")] });
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if (limits.tryAcquire({ input: 1, output: 1 }).successful) done++;
    return done;
  };
}

function one() {
  const limits = new LimitSet({ limits: [rate("input")] });
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10 });
      if (acq.successful) done++;
      acq.update({ input: 7 });
      acq.release();
    }
    return done;
  };
}

function two() {
  const limits = new LimitSet({ limits: [calls, rate("input")] });
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10 });
      if (acq.successful) done++;
      acq.update({ input: 7 });
      acq.release();
    }
    return done;
  };
}

function four() {
  const limits = new LimitSet({ limits: [calls, rate("input"), rate("output"), slots("connections")] });
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10, output: 10 });
      if (acq.successful) done++;
      acq.update({ input: 7, output: 7 });
      acq.release();
    }
    return done;
  };
}

function unreported() {
  const limits = new LimitSet({
    limits: [calls, rate("input"), rate("output"), slots("connections")],
    missingUpdate: "charge",
  });
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10, output: 10 });
      if (acq.successful) done++;
      acq.release();
    }
    return done;
  };
}

function eight() {
  const rates = [rate("input"), rate("output"), rate("cached"), rate("bytes"), rate("cents")];
  const limits = new LimitSet({ limits: [calls, ...rates, slots("connections"), slots("workers")] });
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10, output: 10, cached: 10, bytes: 10, cents: 10 });
      if (acq.successful) done++;
      acq.update({ input: 7, output: 7, cached: 7, bytes: 7, cents: 7 });
      acq.release();
    }
    return done;
  };
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

function resource() {
  const limits = new LimitSet({ limits: [slots("connections")] });
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire();
      if (acq.successful) done++;
      acq.release();
    }
    return done;
  };
}
