/**
 * A peer that runs the test's commands, in a child process, a cluster's worker or a thread without shared memory. Its commands come
 * over the same channel as the set's messages.
 */
import process from "node:process";
import { parentPort } from "node:worker_threads";
import { connectLimits } from "limitset/port";

const channel = parentPort ?? /** @type {import("limitset/port").ProcessLike & NodeJS.Process} */ (process);
/** @param {object} message */
const tell = (message) => (parentPort ? parentPort.postMessage(message) : process.send?.(message));

/** @type {import("limitset/port").ConnectedLimits} */
const limits = connectLimits(channel);
/** @type {import("limitset").Acquisition[]} */
const held = [];

/** @type {Record<string, (...args: any[]) => unknown>} */
const commands = {
  acquire: async (requested, options) => {
    const acquisition = await limits.acquire(requested, options);
    held.push(acquisition);
    return acquisition.requested;
  },
  queue: (requested) => {
    limits.acquire(requested).then(
      (acquisition) => held.push(acquisition),
      (error) => tell({ lost: error.constructor.name }),
    );
  },
  used: async (key) => (await limits.stats())[key]?.used,
  release: () => {
    for (const acquisition of held.splice(0)) acquisition.release();
  },
  /** Acquires and releases as fast as it can, for ever. */
  rush: async (requested) => {
    for (;;) {
      const acquisition = await limits.acquire(requested);
      if (Math.random() < 0.1) await new Promise((resolve) => setTimeout(resolve, 1));
      acquisition.release();
    }
  },
};

channel.on("message", async (/** @type {any} */ { id, command, args }) => {
  if (!command) return; // The set's own messages arrive here too.
  try {
    tell({ id, result: await commands[command]?.(...args) });
  } catch (error) {
    const { name, code } = /** @type {Error & { code?: string }} */ (error);
    tell({ id, error: { name, code } });
  }
});
