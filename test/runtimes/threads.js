/**
 * A program on several threads. It uses only features that Deno, Bun and browsers have in common, so one file runs in all of them.
 * Returns what it saw, for the test to compare.
 */
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "../../dist/index.js";
import { attachLimits, shareLimits } from "../../dist/threads/index.js";

const YEAR_MS = 31_536_000_000;
const RUSH = { threads: 3, capacity: 20_000 };

/** A thread that runs the commands of the test: see thread.js. */
class Peer {
  worker = new Worker(new URL("./thread.js", import.meta.url), { type: "module" });
  /** @type {Map<number, (answer: { result?: unknown, error?: string }) => void>} */
  answers = new Map();
  id = 0;

  /** @param {LimitSet<never>} limits */
  constructor(limits) {
    this.worker.onmessage = ({ data }) => this.answers.get(data.id)?.(data);
    this.worker.onerror = (event) => {
      for (const answer of this.answers.values()) answer({ error: event.message });
    };
    shareLimits(limits, this.worker);
  }

  /** @param {string} command @param {...unknown} args @returns {Promise<any>} */
  async do(command, ...args) {
    const id = ++this.id;
    const { result, error } = await new Promise((resolve) => {
      this.answers.set(id, resolve);
      this.worker.postMessage({ id, command, args });
    });
    if (error) throw new Error(error);
    return result;
  }
}

function make() {
  return new LimitSet({
    limits: [
      new ResourceLimit({ key: "db", capacity: 2 }),
      new RateLimit({ key: "tokens", capacity: RUSH.capacity, windowMs: YEAR_MS, algorithm: "fixed-window" }),
      new CallLimit({ capacity: 1_000_000, windowMs: YEAR_MS }),
    ],
    missingUpdate: "charge",
    maxThreads: RUSH.threads,
    config: { model: "small" },
  });
}

/** @typedef {"attached" | "taken" | "wokenHere" | "wokenThere" | "blockedHere" | "blockedThere" | "tooMany" | "rush" | "returned" | "left"} Seen */

export async function threads() {
  const limits = make();
  /** @type {Partial<Record<Seen, unknown>>} */
  const seen = {};
  const peer = new Peer(/** @type {never} */ (limits));
  seen.attached = await peer.do("about");

  await peer.do("take", { db: 2 });
  seen.taken = limits.stats().db;
  const here = limits.acquire({ db: 1 });
  await peer.do("release");
  const held = await here;
  seen.wokenHere = held.requested;

  const other = await limits.acquire({ db: 1 });
  const there = peer.do("acquire", { db: 2 });
  await peer.do("used"); // Answers come in order, so by now the acquire waits.
  held.release();
  other.release();
  seen.wokenThere = await there;
  await peer.do("release");

  const wanted = limits.tryAcquire({ db: 2 });
  const blocked = peer.do("acquireSync", { db: 1 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  wanted.release();
  seen.blockedThere = await blocked;
  seen.blockedHere = await blockHere(limits, peer);
  await peer.do("release");

  const peers = [peer, new Peer(/** @type {never} */ (limits)), new Peer(/** @type {never} */ (limits))];
  const grants = await Promise.all(peers.map((each) => each.do("rush", { tokens: 1, db: 0 })));
  seen.rush = grants.reduce((sum, granted) => sum + granted, 0);
  // All have attached by now.
  seen.tooMany = codeOf(() => attachLimits(shareLimits(limits).handle));

  await peers[1]?.do("take", { db: 2 });
  peers[1]?.do("queue", { db: 1 });
  await peers[1]?.do("used");
  const inherited = limits.acquire({ db: 2 });
  peers[1]?.worker.terminate();
  seen.returned = (await inherited).requested;
  seen.left = limits.stats().db;

  for (const { worker } of peers) worker.terminate();
  limits.close();
  return seen;
}

/** Blocks this thread until the other lets go; where threads must not block, says why not. @param {LimitSet<"db" | "tokens" | "call_count">} limits @param {Peer} peer */
async function blockHere(limits, peer) {
  await peer.do("release");
  await peer.do("take", { db: 2 });
  await peer.do("releaseLater", 100);
  try {
    const acquisition = limits.acquireSync({ db: 1 }, { timeoutMs: 10_000 });
    acquisition.release();
    return acquisition.requested;
  } catch (error) {
    return /** @type {{ code: string }} */ (error).code;
  }
}

/** @param {() => unknown} action */
function codeOf(action) {
  try {
    return action();
  } catch (error) {
    return /** @type {{ code: string }} */ (error).code;
  }
}

/** What works on a page that is not isolated, or in a runtime without shared memory, and which errors the rest gives. */
export function alone() {
  const limits = make();
  const acquisition = limits.tryAcquire({ db: 1, tokens: 10 });
  return {
    taken: acquisition.requested,
    used: limits.stats().tokens.used,
    share: codeOf(() => shareLimits(limits)),
    message: messageOf(() => shareLimits(limits)),
  };
}

/** @param {() => unknown} action */
function messageOf(action) {
  try {
    action();
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
  return undefined;
}
