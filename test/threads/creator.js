/** Makes sets on its own thread, and hands each of them over at once: a set lives while a thread has it open or can attach to it. */
import { parentPort } from "node:worker_threads";
import { LimitSet } from "limitset";
import { shareLimits } from "limitset/threads";

parentPort?.on("message", (/** @type {import("limitset").LimitSetOptions} */ options) => {
  const limits = new LimitSet(options);
  parentPort?.postMessage(shareLimits(limits).handle);
  limits.close();
});
