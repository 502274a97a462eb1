import { heapBytes, wasmBytes } from "../weigh.js";

const { CallLimit, LimitSet } = await import("limitset");
const { guard } = await import("limitset/http");
const { expressStore, fastifyStore, flexible, honoStore, mapOfBuckets } = await import("../peers/clients.js");
const { takeEach } = await import("../client-loops.js");

const LIMIT = 100;
const WINDOW_MS = 20 * 86_400_000;
const ADDRESSES = { full: 1_000_000, quick: 100_000 };
/** The default of `partitions`, in proportion. */
const ROOM = { full: 100_000, quick: 10_000 };
const KNOWN = "known";

/** @typedef {import("../peers/clients.js").Ask} Ask */

/** @returns {import("../survey.js").Survey} */
export function attack() {
  const plan = (/** @type {number} */ clients) => ({ limit: LIMIT, windowMs: WINDOW_MS, clients });
  return {
    title: "An attack by a million addresses",
    work: `one client uses up its ${LIMIT} HTTP requests; then come a million others, once each, and it asks again. MB: on the heap and of WebAssembly memory, at the end. A guard is asked by requests that no server has read. A quick run has ${ADDRESSES.quick.toLocaleString("en")}`,
    columns: ["MB", "us each", "the client that had used up its own"],
    ratio: { column: "x a guard, MB", of: "MB" },
    subjects: [
      subject(OURS, (_, room) => guarded(room, "share")),
      subject("limitset, a guard, whenFull refuse", (_, room) => guarded(room, "refuse")),
      subject("limitset, a guard, room for all", (count) => guarded(count + 1, "share")),
      subject("floor: a Map of buckets", (count) => mapOfBuckets(plan(count))),
      subject("rate-limiter-flexible, memory", (count) => flexible(plan(count))),
      subject("express-rate-limit, its store", (count) => expressStore(plan(count))),
      subject("hono-rate-limiter, its store", (count) => honoStore(plan(count))),
      subject("@fastify/rate-limit, its store as it comes: 5000", (count) => fastifyStore(plan(count), 5000)),
      subject("@fastify/rate-limit, its store, room for all", (count) => fastifyStore(plan(count + 1))),
    ],
  };
}

const OURS = "limitset, a guard";

/** @param {number} max @param {"share" | "refuse"} whenFull @returns {Ask} */
function guarded(max, whenFull) {
  const limits = new LimitSet({
    limits: [new CallLimit({ key: "per_ip", capacity: LIMIT, windowMs: WINDOW_MS, per: "ip" })],
    partitions: { ip: { max, whenFull } },
  });
  // The names of the loop stand for addresses.
  const protect = guard(limits, { address: ({ native }) => /** @type {{ from: string }} */ (native).from });
  let passes = false;
  const listener = protect.node(() => {
    passes = true;
  });
  const response = /** @type {import("limitset/http").NodeResponse} */ (
    /** @type {unknown} */ ({ getHeader() {}, setHeader() {}, end() {}, once() {} })
  );
  return (name) => {
    passes = false;
    const request = { method: "GET", url: "/", headers: {}, httpVersionMajor: 1, from: addressOf(name) };
    listener(/** @type {import("limitset/http").NodeRequest} */ (/** @type {unknown} */ (request)), response);
    return passes;
  };
}

/** @param {string} name `known`, or `client 7` */
function addressOf(name) {
  if (name === KNOWN) return "192.0.2.7";
  const i = Number(name.slice(name.indexOf(" ") + 1));
  return `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
}

/** @param {string} name @param {(count: number, room: number) => Ask} make @returns {import("../survey.js").Subject} */
function subject(name, make) {
  return {
    name,
    against: OURS,
    async figures(quick) {
      const count = quick ? ADDRESSES.quick : ADDRESSES.full;
      const before = heapBytes() + wasmBytes();
      const ask = make(count, quick ? ROOM.quick : ROOM.full);
      for (let i = 0; i < LIMIT; i++) if (!(await ask(KNOWN))) throw new Error(`${name} refused too early`);
      if (await ask(KNOWN)) throw new Error(`${name} refused too late`);
      const start = performance.now();
      await takeEach(ask, 0, count);
      const us = ((performance.now() - start) * 1000) / count;
      const mb = (heapBytes() + wasmBytes() - before) / 1e6;
      return {
        MB: mb,
        "us each": us,
        "the client that had used up its own": (await ask(KNOWN)) ? "passes again" : "is refused",
      };
    },
  };
}
