/** A thread that has a spread set, or one part of it, and does as it is told until it is ended. */
import { parentPort, workerData } from "node:worker_threads";
import { attachLimits } from "limitset/threads";

/** @type {any} */
const limits = attachLimits(workerData.handle);
/** @type {Record<string, (...args: any[]) => unknown>} */
const commands = {
  take: (user, requested) => limits.for({ user }).tryAcquire(requested).successful,
  /** It has the handle of the first part: as a thread that dies between two parts. */
  redefine: (definitions, options) => limits.redefine(definitions, options),
  capacity: (user) => limits.for({ user }).get("calls").capacity,
  blockFor: (user) => limits.for({ user }).acquireSync({}, { timeoutMs: 10_000 }).successful,
  partitions: () => limits.partitions,
};
parentPort?.on("message", ([command, ...args]) =>
  parentPort?.postMessage({ result: commands[command]?.(...args) }),
);
parentPort?.postMessage("ready");
