// The share of each function in the time of a try, by the samples of the engine's profiler. An inlined function counts as its
// caller, so `--no-turbo-inlining` shows more names, of slower code.
//
//   node bench/profile.js [one | four] [limitset | plain]
import { Session } from "node:inspector/promises";
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { releaseTwoRates, takeOne } from "./loops.js";
import { PlainSet } from "./plain/set.js";
import { HOUR_MS, PLENTY } from "./sets.js";
import { grid } from "./table.js";

const OPERATIONS = 20_000_000;
const WARM = 1_000_000;
const INTERVAL_MICROS = 200;
const ROWS = 14;

const [size = "one", kind = "limitset"] = process.argv.slice(2);
const rate = (/** @type {string} */ key) => new RateLimit({ key, capacity: PLENTY, windowMs: HOUR_MS });
const calls = new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS });
const slots = new ResourceLimit({ key: "connections", capacity: 100 });
const limits = size === "four" ? [calls, rate("input"), rate("output"), slots] : [rate("input")];
const options = /** @type {const} */ ({ limits, missingUpdate: "charge" });
const set = kind === "plain" ? new PlainSet(options) : new LimitSet(options);
const work = (size === "four" ? releaseTwoRates : takeOne)(set);

work(WARM);
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.setSamplingInterval", { interval: INTERVAL_MICROS });
await session.post("Profiler.start");
const start = performance.now();
work(OPERATIONS);
const ns = ((performance.now() - start) * 1e6) / OPERATIONS;
const { profile } = await session.post("Profiler.stop");

/** @type {Map<string, number>} */
const shares = new Map();
const samples = profile.samples?.length ?? 0;
for (const { callFrame, hitCount = 0 } of profile.nodes) {
  const file = callFrame.url.split("/").at(-1) ?? "";
  const name = `${callFrame.functionName || "(unnamed)"} ${file}`.trim();
  shares.set(name, (shares.get(name) ?? 0) + hitCount / samples);
}
const rows = [...shares]
  .sort(([, a], [, b]) => b - a)
  .slice(0, ROWS)
  .map(([name, share]) => [name, (100 * share).toFixed(1), (ns * share).toFixed(1)]);
console.log(`${kind}, ${size}: ${ns.toFixed(0)} ns an operation\n\n${grid(["", "%", "ns"], rows)}`);
