import { once } from "node:events";
import { Worker } from "node:worker_threads";
import Bottleneck from "bottleneck";
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { limitFetch } from "limitset/fetch";
import { openai } from "limitset/llm";
import pThrottle from "p-throttle";
import { HOUR_MS, PLENTY } from "../sets.js";

const BARE = "floor: fetch";
const OURS = "limitset, limitFetch: calls, connections";
const MODEL = "limitset, limitFetch with openai(): tokens too";

const post = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ model: "m", max_tokens: 100, messages: [{ role: "user", content: "hello" }] }),
};

/** @returns {Promise<import("../measure.js").Section>} */
export async function fetches() {
  const url = await start();
  const throttled = pThrottle({ limit: PLENTY, interval: HOUR_MS })(fetch);
  const bottleneck = new Bottleneck({ reservoir: PLENTY, maxConcurrent: 10 });
  const against = { "x floor": BARE, "x limitset": OURS };
  const of = (
    /** @type {string} */ name,
    /** @type {(url: string, init: object) => Promise<Response>} */ send,
  ) => ({
    name,
    run: calls(url, send),
    against,
  });
  return {
    title: "A call on loopback, by fetch",
    work: "post 100 bytes, and read an answer of 140. No call waits. p-throttle and bottleneck hold nothing until the body has ended, and read no usage",
    columns: ["x floor", "x limitset"],
    cases: [
      of(BARE, fetch),
      of(OURS, limitFetch(plenty(), { cost: () => ({ tokens: 0 }) })),
      of(MODEL, limitFetch(plenty(), openai())),
      of("p-throttle, fetch", throttled),
      of("bottleneck, schedule a fetch", (url, init) => bottleneck.schedule(() => fetch(url, init))),
    ],
  };
}

/** @returns {Promise<import("../measure.js").Section>} */
export async function streams() {
  const url = await start();
  const bare = "floor: fetch, 50 MB";
  const of = (/** @type {string} */ name, /** @type {typeof fetch} */ send) => ({
    name,
    run: reads(`${url}/stream`, send),
    against: { "x floor": bare },
  });
  return {
    title: "A stream of 50 MB on loopback",
    work: "read a stream of events to its end, as fast as it comes",
    columns: ["x floor"],
    cases: [of(bare, fetch), of("limitset, limitFetch with openai(), 50 MB", limitFetch(plenty(), openai()))],
  };
}

function plenty() {
  return new LimitSet({
    limits: [
      new CallLimit({ capacity: PLENTY, windowMs: HOUR_MS }),
      new RateLimit({ key: "tokens", capacity: PLENTY, windowMs: HOUR_MS }),
      new ResourceLimit({ key: "connections", capacity: 10 }),
    ],
  });
}

/** @returns {Promise<string>} the address of a server in a thread of its own */
async function start() {
  const thread = new Worker(new URL("./fetch-server.js", import.meta.url));
  thread.unref();
  return (await once(thread, "message"))[0];
}

/** @param {string} url @param {(url: string, init: object) => Promise<Response>} send */
function calls(url, send) {
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const response = await send(`${url}/v1/chat/completions`, post);
      if ((await response.json()).usage.total_tokens === 15) done++;
    }
    return done;
  };
}

/** @param {string} url @param {typeof fetch} send */
function reads(url, send) {
  return async (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const reader = /** @type {ReadableStream<Uint8Array>} */ ((await send(url)).body).getReader();
      let bytes = 0;
      for (;;) {
        const { done: ended, value } = await reader.read();
        if (ended) break;
        bytes += value.length;
      }
      if (bytes === 800 * 64 * 1024) done++;
    }
    return done;
  };
}
