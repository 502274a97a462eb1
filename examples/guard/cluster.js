// Starts the processes of the server, and serves the limits to them all: no Redis is needed on one machine.
import cluster from "node:cluster";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { serveLimits } from "limitset/port";
import { makeLimits } from "./limits.js";

/**
 * @param {{ processes: number, calls: number, slots: number, port?: number, windowMs?: number }} options
 */
export async function startCluster({ processes, port = 0, ...capacities }) {
  const limits = makeLimits(capacities);
  cluster.setupPrimary({ exec: fileURLToPath(new URL("serve.js", import.meta.url)) });
  const start = async () => {
    const worker = cluster.fork({ PORT: `${port}` });
    serveLimits(limits, worker);
    const [address] = await once(worker, "listening");
    return { worker, port: address.port };
  };
  // Where any port will do, the processes of a cluster are given the same one.
  const all = await Promise.all(Array.from({ length: processes }, start));
  return {
    limits,
    port: all[0]?.port ?? port,
    workers: all.map(({ worker }) => worker),
    async stop() {
      await Promise.all(
        all.map(async ({ worker }) => {
          if (worker.isDead()) return;
          worker.process.kill("SIGKILL");
          await once(worker, "exit");
        }),
      );
      limits.close();
    },
  };
}
