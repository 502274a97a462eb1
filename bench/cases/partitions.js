import { heapBytes, wasmBytes } from "../weigh.js";

const { CallLimit, LimitSet } = await import("limitset");
const { freshClientLoops, nameOf } = await import("../client-loops.js");
const { expressStore, fastifyStore, flexible, honoStore, mapOfBuckets } = await import("../peers/clients.js");
const { spread } = await import("../measure.js");

/** So long that no client has recovered while this runs, and no longer than a timer can wait. */
const WINDOW_MS = 20 * 86_400_000;
const LIMIT = 1000;
const FEW = 1000;
const MANY = { full: 1_000_000, quick: 100_000 };
const FRESH = 1000;
const KNOWN = 2000;
/** So many views are kept, where they are: more than the caches of a processor have the partitions of. */
const VIEWS = 100_000;

/** @typedef {import("../peers/clients.js").Ask} Ask */
/** @typedef {import("../client-loops.js").View} View */
/** @typedef {{ ask: Ask, views?: readonly View[], close?: () => void }} Made */

/** @returns {import("../survey.js").Survey} */
export function partitions() {
  /** @type {[string, (size: number, max: number) => Made][]} */
  const kinds = [
    ["floor: a Map of buckets", (_, max) => ({ ask: mapOfBuckets(plan(max)) })],
    ["limitset, a partition", partitioned],
    ["limitset, a partition, its view kept", withViews],
    ["rate-limiter-flexible, memory", (_, max) => ({ ask: flexible(plan(max)) })],
    ["@fastify/rate-limit, its store", (_, max) => ({ ask: fastifyStore(plan(max)) })],
    ["express-rate-limit, its store", (_, max) => ({ ask: expressStore(plan(max)) })],
    ["hono-rate-limiter, its store", (_, max) => ({ ask: honoStore(plan(max)) })],
  ];
  return {
    title: "Partitions",
    work: `take 1 of the limit of one of so many clients: of one that comes for the first time, or of a known one at random. Names are made anew each time, as an HTTP request brings them. Bytes of each: on the heap and of WebAssembly memory, with the name where that is kept. Ratios are medians of rounds, each beside the floor and a set of one limit of all. A million are ${MANY.quick.toLocaleString("en")} in a quick run`,
    columns: ["bytes", "new, ns", "x floor, new", "known, ns", "x floor, known", "x one limit, known"],
    subjects: [
      ...kinds.map(([name, make]) => subject(`${name}, among 1,000`, make, () => FEW)),
      ...kinds.map(([name, make]) =>
        subject(`${name}, among a million`, make, (quick) => (quick ? MANY.quick : MANY.full)),
      ),
    ],
  };
}

const plan = (/** @type {number} */ clients) => ({ limit: LIMIT, windowMs: WINDOW_MS, clients });

/** @param {number} max */
function open(max) {
  return new LimitSet({
    limits: [new CallLimit({ key: "each", capacity: LIMIT, windowMs: WINDOW_MS, per: "user" })],
    partitions: { user: { max } },
  });
}

/** @param {number} _ @param {number} max @returns {Made} */
function partitioned(_, max) {
  const limits = open(max);
  return { ask: (name) => limits.for({ user: name }).tryAcquire().successful, close: () => limits.close() };
}

/** @param {number} size @param {number} max @returns {Made} */
function withViews(size, max) {
  const limits = open(max);
  const count = Math.min(size, VIEWS);
  const views = Array.from({ length: count }, (_, i) => limits.for({ user: nameOf(i * (size / count)) }));
  // A view hashes its name when it is used first.
  for (const view of views) view.tryAcquire();
  return {
    ask: (name) => limits.for({ user: name }).tryAcquire().successful,
    views,
    close: () => limits.close(),
  };
}

/**
 * @param {string} name @param {(size: number, max: number) => Made} make @param {(quick: boolean) => number} sizeOf
 * @returns {import("../survey.js").Subject}
 */
function subject(name, make, sizeOf) {
  return { name, figures: (quick) => figuresOf(sizeOf(quick), make, quick ? 7 : 30) };
}

/** @param {number} size @param {(size: number, max: number) => Made} make @param {number} rounds */
async function figuresOf(size, make, rounds) {
  const [loops, floorLoops, oneLoops] = [
    await freshClientLoops(),
    await freshClientLoops(),
    await freshClientLoops(),
  ];
  const max = size + (rounds + 1) * FRESH;
  const weight = () => heapBytes() + wasmBytes();
  const before = weight();
  let made = make(size, max);
  await loops.takeEach(made.ask, 0, size);
  const bytes = (weight() - before) / size;
  let floor = mapOfBuckets(plan(max));
  await floorLoops.takeEach(floor, 0, size);
  const one = new LimitSet({ limits: [new CallLimit({ capacity: 1e12, windowMs: WINDOW_MS })] });

  /** @type {{ fresh: number, freshFloor: number, known: number, knownFloor: number, one: number }[]} */
  const spent = [];
  for (let round = 0; round <= rounds; round++) {
    if (size === FEW) {
      // Else there would soon be far more.
      made.close?.();
      [made, floor] = [make(size, max), mapOfBuckets(plan(max))];
      await loops.takeEach(made.ask, 0, size);
      await floorLoops.takeEach(floor, 0, size);
    }
    const { ask, views } = made;
    const [from, to] = [size + round * FRESH, size + (round + 1) * FRESH];
    spent.push({
      fresh: await time(FRESH, () => loops.takeEach(ask, from, to)),
      freshFloor: await time(FRESH, () => floorLoops.takeEach(floor, from, to)),
      known: await time(KNOWN, () =>
        views ? loops.takeOfViews(views, KNOWN) : loops.takeKnown(ask, size, KNOWN),
      ),
      knownFloor: await time(KNOWN, () => floorLoops.takeKnown(floor, size, KNOWN)),
      one: await time(KNOWN, () => oneLoops.takeOfViews([one], KNOWN)),
    });
  }
  made.close?.();
  one.close();
  // The first round warms up.
  const median = (/** @type {(round: typeof spent[number]) => number} */ of) =>
    spread(spent.slice(1).map(of)).median;
  return {
    ...(size !== FEW && !made.views && { bytes }),
    ...(!made.views && {
      "new, ns": median(({ fresh }) => fresh),
      "x floor, new": median(({ fresh, freshFloor }) => fresh / freshFloor),
    }),
    "known, ns": median(({ known }) => known),
    "x floor, known": median(({ known, knownFloor }) => known / knownFloor),
    "x one limit, known": median(({ known, one }) => known / one),
  };
}

/** @param {number} n @param {() => Promise<number> | number} run */
async function time(n, run) {
  const start = performance.now();
  const passed = await run();
  const ns = ((performance.now() - start) * 1e6) / n;
  if (passed !== n) throw new Error(`${passed} of ${n} passed: something else was measured`);
  return ns;
}
