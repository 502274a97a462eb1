// One client on a thread or in a process of its own. It gets the limits, reports that it is ready, starts when it is told to, and
// reports its tally.
import process from "node:process";
import { parentPort } from "node:worker_threads";
import { connectLimits } from "limitset/port";
import { attachLimits } from "limitset/threads";
import { replay, warmUp } from "./replay.js";
import { newTally } from "./tally.js";

const TELL_EVERY_MS = 100;

const channel = parentPort ?? process;

/** @param {{ ready?: true, tally?: import("./tally.js").Tally, failed?: string }} news */
const tell = (news) => (parentPort ? parentPort.postMessage({ news }) : process.send?.({ news }));

/**
 * The next order. Other messages on the channel are those of the set.
 * @returns {Promise<any>}
 */
const order = () =>
  new Promise((resolve) => {
    channel.on("message", function hear(/** @type {{ order?: unknown }} */ message) {
      if (message.order === undefined) return;
      channel.off("message", hear);
      resolve(message.order);
    });
  });

try {
  const { url, requests, connections, limited, handle } = await order();
  // Threads share the memory of the set; processes use it over the channel.
  /** @type {import("limitset").Limits<import("./replay.js").Key> | undefined} */
  const limits = handle ? attachLimits(handle) : limited ? connectLimits(process) : undefined;
  await warmUp(url, connections);
  tell({ ready: true });

  const startAt = await order();
  const tally = newTally();
  const telling = setInterval(() => tell({ tally }), TELL_EVERY_MS);
  await replay({ url, requests, startAt, limits, tally });
  clearInterval(telling);
  tell({ tally });
  limits?.close();
} catch (error) {
  tell({ failed: error instanceof Error ? error.message : String(error) });
}
process.disconnect?.();
