/** Peers that ask for far too much. Each scenario ends with a report to the host. */
import process from "node:process";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort } from "node:worker_threads";
import { connectLimits } from "limitset/port";

const [, , scenario = "", argument] = process.argv;
const count = Number(argument);
const channel = parentPort ?? /** @type {import("limitset/port").ProcessLike & NodeJS.Process} */ (process);
/** @type {{ LIMITSET_PROTOCOL?: string }} */
const environment = process.env;
const version = Number(environment.LIMITSET_PROTOCOL ?? 2);

/** @param {object} message @returns {Promise<void> | void} */
const post = (message) => {
  if (parentPort) return parentPort.postMessage(message);
  return new Promise((resolve) => process.send?.(message, () => resolve()));
};
/** @param {number} session @param {unknown[][]} ops */
const say = (session, ...ops) => post({ limitset: "", to: "host", session, ops });

/** Sends every mark back, as an honest peer does, and counts what it hears. */
function listen() {
  /** @type {Record<string, number>} */
  const heard = {};
  const listener = (/** @type {any} */ { session, ops = [] }) => {
    for (const [kind, mark] of ops) {
      heard[kind] = (heard[kind] ?? 0) + 1;
      if (kind === 9) say(session, [9, mark]);
    }
  };
  channel.on("message", listener);
  return { heard, stop: () => channel.removeListener("message", listener) };
}

/** @type {Record<string, () => Promise<object>>} */
const scenarios = {
  /** Uses the library, and asks for a resource that never comes free. */
  async waiters() {
    const limits = connectLimits(channel);
    await limits.ready;
    /** @type {Record<string, number>} */
    const codes = {};
    for (let i = 0; i < count; i++) {
      limits.acquire({ db: 1, call_count: 0 }).catch(({ code }) => {
        codes[code] = (codes[code] ?? 0) + 1;
      });
    }
    await limits.stats(); // Answers come in order.
    return codes;
  },

  /** Uses the library, and has all its waiters withdrawn in one turn. */
  async aborts() {
    const limits = connectLimits(channel);
    await limits.ready;
    const controller = new AbortController();
    const all = Promise.allSettled(
      Array.from({ length: count }, () =>
        limits.acquire({ db: 1, call_count: 0 }, { signal: controller.signal }),
      ),
    );
    await limits.stats();
    controller.abort();
    return { aborted: (await all).filter(({ status }) => status === "rejected").length };
  },

  /** Uses the library, and makes tries without awaiting any. */
  async tries() {
    const limits = connectLimits(channel);
    await limits.ready;
    const all = await Promise.all(Array.from({ length: count }, () => limits.tryAcquire({ db: 1 })));
    return { refused: all.filter(({ successful }) => !successful).length };
  },

  /** Never reads anything. */
  async deaf() {
    await say(7, [0, version]);
    return flood();
  },

  /** Reads its welcome, and nothing after that. */
  async deafened() {
    const { heard, stop } = listen();
    await say(7, [0, version]);
    while (!heard[1]) await nextTurn();
    await nextTurn();
    stop();
    return flood();
  },

  /** Begins sessions without an end, and reads nothing. */
  async sessions() {
    for (let session = 1; session <= count; session++) await say(session, [0, version]);
    return {};
  },

  /** Begins sessions without an end, and reads all answers. */
  async readingSessions() {
    const { heard } = listen();
    for (let session = 1; session <= count; session++) {
      await say(session, [0, version]);
      if (session % 100 === 0) await nextTurn();
    }
    // Some are not answered, if very many have not been read.
    for (let before = -1; before < (heard[8] ?? 0); await sleep(200)) before = heard[8] ?? 0;
    return heard;
  },

  /** Begins and ends sessions, and asks for as much as it can in each, without reading. */
  async churn() {
    let number = 0;
    for (let session = 1; session <= count; session++) {
      const tries = Array.from({ length: 50 }, () => [3, ++number, [1, null]]);
      await say(session, [0, version], ...tries, [8]);
    }
    return {};
  },
};

/** Tries and questions, 100 to a message. */
async function flood() {
  let number = 0;
  for (let sent = 0; sent < count; sent += 100) {
    await say(7, ...Array.from({ length: 100 }, () => [number % 2 ? 3 : 6, ++number, [1, null]]));
  }
  return { asked: number };
}

const report = await /** @type {() => Promise<object>} */ (scenarios[scenario])();
post({ report });
setInterval(() => {}, 1_000);
if (isMainThread) process.channel?.ref();
