// One of the workers: calls the server as often as the page says and the limits allow. See README.md.
import { connectLimits } from "limitset/port";
import { attachLimits } from "limitset/threads";
import { RESERVED } from "./limits.js";

/** @typedef {import("limitset").Limits<"tokens" | "connections" | "call_count">} Limits */
/** @typedef {"resting" | "waiting" | "calling" | "done"} State */

const stop = new AbortController();
let callsPerSecond = 1;
let calls = 0;
let refused = 0;

globalThis.addEventListener("message", ({ data }) => {
  if (data.callsPerSecond) callsPerSecond = data.callsPerSecond;
  if (data.stop) stop.abort();
});

if (globalThis.crossOriginIsolated) {
  // The page's set lies in shared memory: its handle is the first message.
  globalThis.addEventListener("message", ({ data }) => work(attachLimits(data)), { once: true });
} else {
  // The page serves the set over the channel to this worker.
  work(connectLimits(/** @type {import("limitset/port").PortLike} */ (globalThis)));
}

/** @param {Limits} limits */
async function work(limits) {
  const { signal } = stop;
  try {
    while (!signal.aborted) {
      const begin = performance.now();
      say("waiting");
      await limits.run({ tokens: RESERVED }, call, { signal });
      say("resting");
      await sleep(begin + 1_000 / callsPerSecond - performance.now(), signal);
    }
  } catch (error) {
    if (error !== signal.reason) throw error;
  } finally {
    await limits.close();
    say("done");
  }
}

/** @param {import("limitset").Acquisition<"tokens" | "connections" | "call_count">} acquisition */
async function call(acquisition) {
  say("calling");
  const response = await fetch("/call", { method: "POST" });
  const { used } = await response.json();
  acquisition.update({ tokens: used }); // The unused tokens go back.
  calls++;
  if (response.status === 429) refused++;
}

/** @param {State} state */
function say(state) {
  globalThis.postMessage({ state, calls, refused });
}

/** @param {number} ms @param {AbortSignal} signal */
function sleep(ms, signal) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve(undefined);
    };
    const timer = setTimeout(wake, Math.max(0, ms));
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
  });
}
