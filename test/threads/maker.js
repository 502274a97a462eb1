/** Makes a set on its own thread, takes from it, and hands it to the thread that started this one. */
import { parentPort, workerData } from "node:worker_threads";
import { LimitSet } from "limitset";
import { shareLimits } from "limitset/threads";

/** @type {{ options: import("limitset").LimitSetOptions<string>, requested: Record<string, number> }} */
const { options, requested } = workerData;
const limits = new LimitSet(options);
limits.tryAcquire(requested);
parentPort?.postMessage(shareLimits(limits).handle);
parentPort?.on("message", () => {});
