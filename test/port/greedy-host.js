/**
 * A host with one greedy peer, in a thread or a process: it runs one of the scenarios of `greedy-peer.js`, and prints figures.
 *
 *   node --expose-gc greedy-host.js <scenario> thread|process <count> [options of serveLimits as JSON]
 */
import { fork } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { CallLimit, LimitSet, ResourceLimit } from "limitset";
import { serveLimits } from "limitset/port";

const [, , scenario = "", kind, count = "0", options = "{}"] = process.argv;
const program = new URL("./greedy-peer.js", import.meta.url);

const limits = new LimitSet({
  limits: [
    new ResourceLimit({ key: "db", capacity: 1 }),
    new CallLimit({ capacity: 1, windowMs: 3_600_000 }),
  ],
  shared: false,
});
const held = limits.tryAcquire({ db: 1, call_count: 0 });

const collect = /** @type {() => void} */ (globalThis.gc);
const memory = () => {
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
};
const delay = monitorEventLoopDelay({ resolution: 1 });
/** The longest turn since the last call, in ms. */
const longestTurn = () => {
  const ms = Math.round(delay.max / 1e5) / 10;
  delay.reset();
  return ms;
};

await nextTurn();
const before = memory();
delay.enable();

const peer =
  kind === "thread" ? new Worker(program, { argv: [scenario, count] }) : fork(program, [scenario, count]);
/** Operations that the host has sent, by their kind. @type {Record<string, number>} */
const sent = {};
tally(peer);
serveLimits(limits, peer, JSON.parse(options));
let mostWaiting = 0;
const watch = setInterval(() => {
  mostWaiting = Math.max(mostWaiting, limits.waiting);
}, 1);

/** @type {any} */
const report = await new Promise((resolve) => {
  peer.on("message", (/** @type {any} */ message) => {
    if (message.report) resolve(message.report);
  });
});
// All that the peer has sent has been heard, since the report came after it. The rest may be done in pieces.
await sleep(50);
mostWaiting = Math.max(mostWaiting, limits.waiting);
const during = { turn: longestTurn(), ...memory() };

const ended = new Promise((resolve) => peer.once("exit", resolve));
if ("terminate" in peer) peer.terminate();
else peer.kill("SIGKILL");
delay.reset();
await ended;
const start = performance.now();
let turns = 0;
for (; limits.waiting > 0; turns++) await nextTurn();
const endMs = Math.round(performance.now() - start);
await sleep(5);
const after = { turn: longestTurn(), ...memory() };

clearInterval(watch);
const megabytes = (/** @type {number} */ bytes) => Math.round(bytes / 1e5) / 10;
console.log(
  JSON.stringify({
    report,
    sent,
    mostWaiting,
    waiting: limits.waiting,
    used: limits.stats().db.used,
    heapMB: megabytes(during.heap - before.heap),
    rssMB: megabytes(during.rss - before.rss),
    heapAfterMB: megabytes(after.heap - before.heap),
    longestTurnMs: during.turn,
    end: { ms: endMs, turns, longestTurnMs: after.turn },
  }),
);
held.release();
process.exit();

/** @param {Worker | import("node:child_process").ChildProcess} peer */
function tally(peer) {
  const channel = /** @type {Record<string, (...args: any[]) => unknown>} */ (/** @type {unknown} */ (peer));
  const name = kind === "thread" ? "postMessage" : "send";
  const send = /** @type {(...args: any[]) => unknown} */ (channel[name]).bind(peer);
  channel[name] = (message, ...rest) => {
    for (const [op] of message.ops ?? []) sent[op] = (sent[op] ?? 0) + 1;
    return send(message, ...rest);
  };
}
