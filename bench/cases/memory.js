import { memories } from "../weigh.js";

const { CallLimit, LimitSet, RateLimit, RateLimitAlgorithm, ResourceLimit } = await import("limitset");
const { TokenBucket } = await import("limiter");
const { Sema } = await import("async-sema");
const { default: PQueue } = await import("p-queue");
const { PlainSet } = await import("../plain/set.js");

const HOUR_MS = 3_600_000;
const ONE = "limitset, a set of 1 rate";
const HELD = "limitset, an acquisition of 1 resource";

const rate = (/** @type {string} */ key) => new RateLimit({ key, capacity: 1e9, windowMs: HOUR_MS });
const slots = new ResourceLimit({ key: "connections", capacity: 1e9 });
const four = [new CallLimit({ capacity: 1e9, windowMs: HOUR_MS }), rate("input"), rate("output"), slots];
const sliding = new RateLimit({
  key: "input",
  capacity: 1e9,
  windowMs: HOUR_MS,
  algorithm: RateLimitAlgorithm.SlidingWindow,
});

/** @returns {import("../survey.js").Survey} */
export function memory() {
  return {
    title: "Memory",
    work: "bytes that each of many takes, on the heap and of WebAssembly memory",
    columns: ["heap", "wasm"],
    ratio: { column: "x limitset, heap", of: "heap" },
    subjects: [
      each(ONE, ONE, () => new LimitSet({ limits: [rate("input")] })),
      each("limitset, a set of 4 limits", ONE, () => new LimitSet({ limits: four })),
      each("limitset, a set of 1 sliding window", ONE, () => new LimitSet({ limits: [sliding] })),
      each("floor: 1 rate in plain JavaScript", ONE, () => new PlainSet({ limits: [rate("input")] })),
      each(
        "limiter, TokenBucket",
        ONE,
        () => new TokenBucket({ bucketSize: 1e9, tokensPerInterval: 1e9, interval: HOUR_MS }),
      ),
      each("async-sema, of 1", ONE, () => new Sema(1)),
      each("p-queue", ONE, () => new PQueue({ concurrency: 1 })),
      each(HELD, HELD, held([slots])),
      each("limitset, an acquisition of 1 rate", HELD, held([rate("input")], { input: 1 })),
      each("limitset, an acquisition of 4 limits", HELD, held(four, { input: 1, output: 1 })),
    ],
  };
}

/** @param {import("limitset").Limit[]} limits @param {Record<string, number>} [request] */
function held(limits, request) {
  /** @type {InstanceType<typeof LimitSet<string>> | undefined} */
  let set;
  // Made when its turn comes: the memory of the core is freed only when no set is left.
  return () => {
    set ??= new LimitSet({ limits, missingUpdate: "charge" });
    return set.tryAcquire(request);
  };
}

/** @param {string} name @param {string} against @param {() => unknown} make @returns {import("../survey.js").Subject} */
function each(name, against, make) {
  return { name, against, figures: () => ({ heap: weigh(make), wasm: grown(make) }) };
}

const HEAVY = 20_000;

/** The bytes on the heap that one of many takes. @param {() => unknown} make */
function weigh(make) {
  dispose(make());
  const kept = new Array(HEAVY).fill(undefined);
  const before = heap();
  for (let i = 0; i < HEAVY; i++) kept[i] = make();
  const bytes = Math.round((heap() - before) / HEAVY);
  for (const one of kept) dispose(one);
  return bytes;
}

/** The bytes of WebAssembly memory that one of many takes: the size of one growth, divided by the number that fits before the next. */
function grown(/** @type {() => unknown} */ make) {
  const kept = [];
  let bytes = 0;
  let before = pages();
  for (let i = 0, since = 0, added = 0; i < 2 * HEAVY; i++) {
    kept.push(make());
    const now = pages();
    if (now === before) continue;
    if (added > 0) bytes = Math.round(added / (i - since));
    added = now - before;
    since = i;
    before = now;
  }
  for (const one of kept) dispose(one);
  return bytes;
}

/** Closes a set, so that its memory can be freed, or releases an acquisition. @param {unknown} one */
function dispose(one) {
  if (one instanceof LimitSet) one.close();
  else if (typeof one === "object" && one !== null && "release" in one) Object(one).release();
}

function pages() {
  return memories.at(-1)?.buffer.byteLength ?? 0;
}

function heap() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
