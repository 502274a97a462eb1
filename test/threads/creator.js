/** Makes sets on its own thread, and hands each over at once: a set lives as long as anybody has it open. */
import { parentPort } from "node:worker_threads";
import { LimitSet } from "limitset";

parentPort?.on("message", (/** @type {import("limitset").LimitSetOptions} */ options) => {
  const limits = new LimitSet(options);
  parentPort?.postMessage(limits.share());
  limits.close();
});
