/**
 * Takes in partitions at random and gives back, until it is killed, and keeps a ledger of what it was granted. The words of the ledger: see
 * partitions.test.ts.
 */
import { parentPort, workerData } from "node:worker_threads";
import { AcquireTimeoutError } from "limitset";
import { attachLimits } from "limitset/threads";
import { definitions, KINDS, ofUsers } from "./visited.js";

/**
 * @type {{
 *   me: number, seed: number, users: number, visitors: number,
 *   isSpread?: boolean, redefined?: Int32Array,
 *   granted: Int32Array, busy: Int32Array, seats: Int32Array, dead: Int32Array, repeats: Int32Array, waited: Int32Array,
 * }}
 */
const { me, seed, users, visitors, isSpread, redefined, granted, busy, seats, dead, repeats, waited } =
  workerData;

let state = seed;
/** @param {number} below */
function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

/** Half of the time one of a few, so that threads meet. @param {number} count */
function some(count) {
  return random(2) === 0 ? random(5) : random(count);
}

/** @typedef {import("limitset").Acquisition<string>} Acquisition */
/** @type {{ acquisition: Acquisition, visitor: number }[]} */
const held = [];

/** @param {Acquisition} acquisition @param {number} visitor */
function keep(acquisition, visitor) {
  if (visitor >= 0) {
    const before = Atomics.exchange(seats, visitor, me + 1);
    // A thread that has died could not stand up.
    if (before !== 0 && Atomics.load(dead, before - 1) === 0) {
      throw new Error(`two threads have the seat of visitor ${visitor}: ${before - 1} and ${me}`);
    }
  }
  held.push({ acquisition, visitor });
}

/** @param {{ acquisition: Acquisition, visitor: number } | undefined} grant */
function giveBack(grant) {
  if (!grant) return;
  if (grant.visitor >= 0) Atomics.store(seats, grant.visitor, 0);
  if (!isSpread && random(2) === 0) grant.acquisition.update({ tokens: 0 });
  grant.acquisition.release();
}

/** @param {import("limitset").LimitSet<string>} limits */
function step(limits) {
  if (held.length > 4 || (held.length > 0 && random(2) === 0)) {
    giveBack(held.splice(random(held.length), 1)[0]);
    return;
  }
  const what = random(400);
  if (what === 0 && !isSpread) limits.reset(["tokens"]);
  if (redefined && what >= 23 && what < 26) {
    limits.redefine((isSpread ? ofUsers : definitions)(random(KINDS)));
    redefined[me] = (redefined[me] ?? 0) + 1;
    return;
  }
  if (what < 20 && !isSpread) {
    const acquisition = limits.tryAcquire({ db: 1, slots: 0, seat: 0 });
    if (acquisition.successful) keep(acquisition, -1);
    return;
  }
  const user = some(users);
  if (isSpread) {
    take(limits.for({ user: `user ${user}` }), { calls: 1, slots: random(2) }, user, -1, what);
    return;
  }
  const visitor = some(visitors);
  const tier = random(4) === 0 ? { tier: "pro" } : {};
  const view = limits.for({ user: `user ${user}`, visitor: `visitor ${visitor}` }, tier);
  if (what === 20) view.reset(["tokens"]);
  if (what === 21) view.charge({ tokens: 1 });
  const requested = {
    calls: 1,
    tokens: random(4),
    db: random(2),
    slots: random(2),
    seat: random(4) === 0 ? 0 : 1,
  };
  take(view, requested, user, requested.seat === 1 ? visitor : -1, what);
}

/**
 * @param {View} view @param {Record<string, number>} requested @param {number} user
 * @param {number} seat The visitor whose seat it takes; -1 if it takes none.
 * @param {number} what
 */
function take(view, requested, user, seat, what) {
  if (what >= 26 && what < 30 && !isWaiting) {
    wait(view, requested, user, seat);
    return;
  }
  Atomics.store(busy, 2 * me, user + 1);
  const acquisition = what === 22 ? blocking(view, requested) : view.tryAcquire(requested);
  if (acquisition?.successful) {
    Atomics.add(granted, user, 1);
    keep(acquisition, seat);
  }
  Atomics.store(busy, 2 * me, 0);
}

let isWaiting = false;

/**
 * One request at a time waits, while the others go on.
 *
 * @param {View} view @param {Record<string, number>} requested @param {number} user @param {number} visitor
 */
async function wait(view, requested, user, visitor) {
  isWaiting = true;
  Atomics.store(busy, 2 * me + 1, user + 1);
  try {
    const acquisition = await view.acquire(requested, { timeoutMs: 1 + random(20) });
    Atomics.add(granted, user, 1);
    waited[me] = (waited[me] ?? 0) + 1;
    keep(acquisition, visitor);
  } catch (error) {
    if (!(error instanceof AcquireTimeoutError)) throw error;
  } finally {
    Atomics.store(busy, 2 * me + 1, 0);
    isWaiting = false;
  }
}

/** @typedef {ReturnType<import("limitset").LimitSet<string>["for"]>} View */

/** @param {View} view @param {Record<string, number>} requested */
function blocking(view, requested) {
  try {
    return view.acquireSync(requested, { timeoutMs: 1 });
  } catch {
    return undefined;
  }
}

parentPort?.once("message", (handle) => {
  const limits = attachLimits(handle);
  const turn = () => {
    for (let i = 0; i < 1000; i++) step(limits);
    repeats[me] = limits.repeats;
    setImmediate(turn);
  };
  turn();
});
