// A cluster: the primary has the set, and two workers take from it. One of them is killed while it holds and waits.
import cluster from "node:cluster";
import process from "node:process";
import { LimitSet, ResourceLimit } from "limitset";
import { connectLimits, serveLimits } from "limitset/port";

if (cluster.isPrimary) {
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 2 })] });
  const [first, second] = [cluster.fork(), cluster.fork()];
  for (const worker of [first, second]) serveLimits(limits, worker);
  // Messages to a cluster's worker are lost until it listens.
  await Promise.all([first, second].map((worker) => heard(worker, ({ ready }) => ready)));
  /** @param {import("node:cluster").Worker} worker @param {string} order */
  const order = async (worker, order) => {
    worker.send({ order });
    return (await heard(worker, ({ done }) => done === order)).result;
  };
  await order(first, "take both");
  first.send({ order: "take both" });
  const other = order(second, "take both");
  while (limits.waiting < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  first.process.kill("SIGKILL");
  const taken = await other;
  const { used, waiting } = limits.stats().db;
  console.log(JSON.stringify({ taken, used, waiting }));
  second.process.kill("SIGKILL");
} else {
  const limits = connectLimits(/** @type {import("node:cluster").Worker} */ (cluster.worker));
  /** @type {unknown[]} */
  const held = [];
  process.on("message", async (/** @type {{ order?: string }} */ { order }) => {
    if (order !== "take both") return;
    const acquisition = await limits.acquire({ db: 2 });
    held.push(acquisition);
    process.send?.({ done: order, result: acquisition.requested });
  });
  process.send?.({ ready: true });
}

/**
 * The first message of a worker that `matches`. The set's own messages arrive here too.
 * @param {import("node:cluster").Worker} worker
 * @param {(message: any) => boolean} matches
 * @returns {Promise<any>}
 */
function heard(worker, matches) {
  return new Promise((resolve) => {
    worker.on("message", (message) => {
      if (matches(message)) resolve(message);
    });
  });
}
