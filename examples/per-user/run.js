// A server of several threads under load, and how its memory goes on meanwhile.
import { fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startServer } from "./server.js";

/**
 * What is seen of the server when so many HTTP requests have been sent.
 *
 * @typedef {{ sent: number, residentMb: number, addresses: number, users: number, isShared: boolean }} Sample
 */

/**
 * @param {{ threads: number, capacities: import("./limits.js").Capacities, traffic: import("./traffic.js").Traffic, samples?: number }} options
 * @param {(sample: Sample) => void} [seen]
 */
export async function run({ threads, capacities, traffic, samples = 10 }, seen) {
  const server = await startServer(threads, capacities);
  const generator = fork(fileURLToPath(new URL("generator.js", import.meta.url)));
  try {
    /** @type {Sample[]} */
    const taken = [];
    const sample = (/** @type {number} */ sent) => {
      const { user, ip } = server.limits.partitions;
      taken.push({
        sent,
        residentMb: Math.round(process.memoryUsage.rss() / 1e6),
        addresses: ip?.count ?? 0,
        users: user?.count ?? 0,
        isShared: ip?.shared === true || user?.shared === true,
      });
      seen?.(/** @type {Sample} */ (taken.at(-1)));
    };
    /** @type {Promise<import("./generator.js").Verdict>} */
    const verdict = new Promise((resolve, reject) => {
      let due = 0;
      generator.on(
        "message",
        (/** @type {{ sent: number } | import("./generator.js").Verdict} */ message) => {
          if (!("sent" in message)) resolve(message);
          else if (message.sent >= due) {
            sample(message.sent);
            due += traffic.requests / samples;
          }
        },
      );
      generator.once("exit", (code) => reject(new Error(`the load generator has ended with code ${code}`)));
    });
    generator.send({ ports: server.ports, capacities, traffic });
    const found = await verdict;
    sample(traffic.requests);
    return { ...found, samples: taken, granted: server.limits.stats().all.granted };
  } finally {
    if (generator.exitCode === null) {
      generator.kill();
      await once(generator, "exit");
    }
    await server.stop();
  }
}
