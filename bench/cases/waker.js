// The other thread or process of the section on waking up, which waits; and functions that both sides use.
import process from "node:process";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { LimitSet, ResourceLimit } from "limitset";
import { connectLimits } from "limitset/port";
import { attachLimits } from "limitset/threads";

/** Milliseconds of the system's monotonic clock, which Node reads alike in all threads and processes. */
export const now = () => Number(process.hrtime.bigint() % 1_000_000_000_000_000n) / 1e6;

/** A pause that is long enough for the waiter to go to sleep. */
export const pause = () => new Promise((resolve) => setTimeout(resolve, 1));

export const slot = () => new LimitSet({ limits: [new ResourceLimit({ key: "slot", capacity: 1 })] });

const channel = parentPort ?? process;
/** @param {object} message */
const tell = (message) => (parentPort ? parentPort.postMessage(message) : process.send?.(message));

/** @typedef {{ acquire(): Promise<{ release(): void }>, acquireSync?: () => { release(): void } }} Limits */

/** Waits in the given way, and tells the time at which it went on. @param {Limits} limits @param {Int32Array} word @param {string} way */
async function wait(limits, word, way) {
  if (way === "blocking") {
    tell({ waits: 1 });
    const acquisition = limits.acquireSync?.();
    tell({ woken: now() });
    acquisition?.release();
    return;
  }
  if (way === "notify") {
    const { value } =
      /** @type {{ waitAsync(w: Int32Array, i: number, v: number): { value: Promise<string> } }} */ (
        /** @type {unknown} */ (Atomics)
      ).waitAsync(word, 0, Atomics.load(word, 0));
    tell({ waits: 1 });
    await value;
    tell({ woken: now() });
    return;
  }
  const acquiring = limits.acquire();
  tell({ waits: 1 });
  const acquisition = await acquiring;
  const woken = now();
  acquisition.release();
  tell({ woken });
}

async function serve() {
  const connected = parentPort ? undefined : connectLimits(process);
  await connected?.ready;
  const limits = /** @type {Limits} */ (connected ?? attachLimits(workerData.handle));
  const word = new Int32Array(parentPort ? workerData.cell : new SharedArrayBuffer(4));
  channel.on("message", ({ way, go }) => {
    if (go) tell({ woken: now() });
    else if (way === "message") tell({ waits: 1 });
    else if (way) wait(limits, word, way);
  });
  tell({ ready: 1 });
}

// Not in the section itself, which imports this file for its functions.
if (!isMainThread || process.argv[1]?.endsWith("waker.js")) serve();
