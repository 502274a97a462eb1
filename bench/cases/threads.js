import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { SpreadLimitSet, shareLimits } from "limitset/threads";
import { HOUR_MS, PLENTY, tokens } from "../sets.js";

export const ALONE = "1 thread, one set";
export const HOT = "2 threads, one set";
export const APART = "2 threads, a set each";
export const TWIN_FLOOR = "floor: 2 threads, a three-line bucket each";
export const LONE_FLOOR = "floor: 1 thread, a three-line bucket";
export const USERS_ALONE = "1 thread, 100 partitions";
export const USERS_ONE_HEAD = "2 threads, 100 partitions each, one head";
const HEADS = 128;
export const SPREAD_ALONE = `1 thread, 100 partitions, ${HEADS} heads`;
export const USERS_SPREAD = `2 threads, 100 partitions each, ${HEADS} heads`;
const ALONE_FOUR = "1 thread, one set of 4 limits, taken and released";
const HOT_FOUR = "2 threads, one set of 4 limits, taken and released";

/** The number of messages under way to the owner, where a thread sends many at a time. */
const IN_FLIGHT = 100;

/** @returns {Promise<import("../measure.js").Section>} */
export async function threads() {
  const one = tokens();
  const other = tokens();
  const four = fourLimits();
  const perUser = {
    limits: [new RateLimit({ key: "tokens", capacity: PLENTY, windowMs: HOUR_MS, per: "user" })],
  };
  const plain = new LimitSet(perUser);
  const many = new SpreadLimitSet({ ...perUser, heads: HEADS });
  const eight = await Promise.all(Array.from({ length: 8 }, startThread));
  const [a, b, owner] = /** @type {[Worker, Worker, Worker]} */ (/** @type {unknown} */ (eight));
  const floors = [job(a, { floor: true }), job(b, { floor: true })];
  const shared = [attach(a, one), attach(b, one)];
  const crowd = [...shared, ...eight.slice(2).map((thread) => attach(thread, one))];
  const apart = [attach(a, one), attach(b, other)];
  const fours = [attach(a, four, true), attach(b, four, true)];
  const users = [a, b].map((thread, i) => ofUsers(thread, i, plain));
  const spread = [a, b].map((thread, i) => ofUsers(thread, i, many));
  const asking = [connect(a, owner), connect(b, owner)];
  const against = { "x 1 thread": ALONE };
  const againstFloor = { "x 1 thread": LONE_FLOOR };
  const againstUsers = { "x 1 thread": USERS_ALONE };
  const againstFour = { "x 1 thread": ALONE_FOUR };
  return {
    title: "Threads",
    work: "take 1 token, the work divided among the threads; beside it the same asked of one owner thread over a MessagePort",
    columns: ["x 1 thread"],
    cases: [
      { name: LONE_FLOOR, ...working(floors.slice(1)), against: againstFloor },
      { name: TWIN_FLOOR, ...working(floors), against: againstFloor },
      { name: ALONE, ...working(shared.slice(1)), against },
      { name: HOT, ...working(shared), against },
      { name: APART, ...working(apart), against },
      { name: "4 threads, one set", ...working(crowd.slice(0, 4)), against },
      { name: "8 threads, one set", ...working(crowd), against },
      { name: USERS_ALONE, ...working(users.slice(1)), against: againstUsers },
      { name: USERS_ONE_HEAD, ...working(users), against: againstUsers },
      { name: SPREAD_ALONE, ...working(spread.slice(1)), against: againstUsers },
      { name: USERS_SPREAD, ...working(spread), against: { "x 1 thread": SPREAD_ALONE } },
      { name: ALONE_FOUR, ...working(fours.slice(1)), against: againstFour },
      { name: HOT_FOUR, ...working(fours), against: againstFour },
      { name: "1 thread, asks an owner", ...working(asking.slice(1), 1), against },
      { name: "2 threads, ask one owner", ...working(asking, 1), against },
      {
        name: `1 thread, asks an owner, ${IN_FLIGHT} at a time`,
        ...working(asking.slice(1), IN_FLIGHT),
        against,
      },
      { name: `2 threads, ask one owner, ${IN_FLIGHT} at a time`, ...working(asking, IN_FLIGHT), against },
    ],
  };
}

function fourLimits() {
  const rate = (/** @type {string} */ key) => new RateLimit({ key, capacity: PLENTY, windowMs: HOUR_MS });
  return new LimitSet({
    limits: [
      new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS }),
      rate("input"),
      rate("output"),
      new ResourceLimit({ key: "connections", capacity: 100 }),
    ],
    missingUpdate: "charge",
  });
}

/** The work of one thread, `n` times. Resolves to the number of times it came out as meant, and to the number of repeated swaps. */
/** @typedef {(n: number, inFlight: number) => Promise<{ done: number, repeats: number }>} Job */

async function startThread() {
  const worker = new Worker(new URL("./thread.js", import.meta.url));
  await once(worker, "online");
  return worker;
}

let jobs = 0;

/** @param {Worker} worker @param {object} task @param {import("node:worker_threads").MessagePort[]} [transfer] @returns {Job} */
function job(worker, task, transfer) {
  const id = jobs++;
  worker.postMessage({ id, task }, transfer);
  return async (n, inFlight) => {
    worker.postMessage({ id, n, inFlight });
    const [answer] = await once(worker, "message");
    return answer;
  };
}

/** @template {string} K @param {Worker} worker @param {LimitSet<K>} set */
function attach(worker, set, releases = false) {
  return job(worker, { handle: shareLimits(set).handle, releases });
}

/** Each thread has users of its own. @param {Worker} worker @param {number} thread @param {LimitSet<"tokens"> | SpreadLimitSet<"tokens">} set */
function ofUsers(worker, thread, set) {
  return job(worker, {
    handle: shareLimits(/** @type {LimitSet<"tokens">} */ (set)).handle,
    users: `thread ${thread}`,
  });
}

/** @param {Worker} worker @param {Worker} owner */
function connect(worker, owner) {
  const { port1, port2 } = new MessageChannel();
  owner.postMessage({ id: jobs++, task: { answers: port2 } }, [port2]);
  return job(worker, { asks: port1 }, [port1]);
}

/** Divides the work among the threads. @param {Job[]} list @param {number} [inFlight] */
function working(list, inFlight = 0) {
  let operations = 0;
  let repeats = 0;
  return {
    run: async (/** @type {number} */ n) => {
      const upTo = (/** @type {number} */ i) => Math.round((n * i) / list.length);
      const answers = await Promise.all(list.map((work, i) => work(upTo(i + 1) - upTo(i), inFlight)));
      operations += n;
      for (const answer of answers) repeats += answer.repeats;
      return answers.reduce((sum, { done }) => sum + done, 0);
    },
    note: (/** @type {number} */ ns) => {
      const pace = `${(1e3 / ns).toPrecision(2)} M/s`;
      return repeats === 0
        ? pace
        : `${pace}, ${((100 * repeats) / (operations + repeats)).toFixed(0)} % of swaps failed`;
    },
  };
}
