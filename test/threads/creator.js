/** Makes sets on its own thread, and hands each of them over at once: a set lives while a thread has it open or can attach to it. */
import { parentPort } from "node:worker_threads";
import { LimitSet } from "limitset";
import { ManualClock } from "limitset/testing";
import { SpreadLimitSet, shareLimits } from "limitset/threads";

/** The START of the suite. */
const start = Date.UTC(2027, 0, 1);

parentPort?.on("message", (/** @type {import("limitset/threads").SpreadLimitSetOptions} */ options) => {
  const clock = new ManualClock(start);
  const limits =
    options.heads === undefined
      ? new LimitSet({ ...options, clock })
      : new SpreadLimitSet({ ...options, clock });
  parentPort?.postMessage(shareLimits(/** @type {LimitSet} */ (limits)).handle);
  limits.close();
});
