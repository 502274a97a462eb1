// Starts the processes of the server, and serves the limits to them all: no Redis is needed on one machine.
import cluster from "node:cluster";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { LimitSet } from "limitset";
import { serveLimits } from "limitset/port";
import { limitsOf } from "./limits.js";

/**
 * @typedef {import("./limits.js").Capacities & { processes: number, port?: number, proxies?: number, redisPort?: number }} ClusterOptions
 * `redisPort` of a Redis server: the limits are there, and the processes are served none.
 */

/** @param {ClusterOptions} options */
export async function startCluster({ processes, port = 0, proxies = 0, redisPort, ...capacities }) {
  const limits = new LimitSet({ limits: limitsOf(capacities), maxWaiting: 1000 });
  const program = redisPort === undefined ? "serve.js" : "serve-redis.js";
  cluster.setupPrimary({ exec: fileURLToPath(new URL(program, import.meta.url)) });
  const start = async () => {
    const worker = cluster.fork({
      ...{ PORT: `${port}`, PROXIES: `${proxies}` },
      ...(redisPort !== undefined && { REDIS_PORT: `${redisPort}`, CAPACITIES: JSON.stringify(capacities) }),
    });
    if (redisPort === undefined) serveLimits(limits, worker);
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
