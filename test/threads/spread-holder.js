/** Holds both slots of each user that it is told of, until it ends. */
import { parentPort } from "node:worker_threads";
import { attachLimits } from "limitset/threads";

/** @type {unknown[]} */
const held = [];
parentPort?.once("message", (handle) => {
  /** @type {any} */
  const limits = attachLimits(handle);
  parentPort?.on("message", (users) => {
    for (const user of users) held.push(limits.for({ user }).tryAcquire({ slots: 2 }));
    parentPort?.postMessage("held");
  });
});
