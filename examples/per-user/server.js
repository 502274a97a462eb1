// Starts the threads of the server, each of which listens on a port of its own: the proxy in front spreads HTTP requests over them.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { shareLimits } from "limitset/threads";
import { makeLimits } from "./limits.js";

/** @param {number} threads @param {import("./limits.js").Capacities} capacities */
export async function startServer(threads, capacities) {
  const limits = makeLimits(capacities);
  const start = async () => {
    const worker = new Worker(new URL("thread.js", import.meta.url));
    shareLimits(limits, worker);
    const [port] = await once(worker, "message");
    return { worker, port: Number(port) };
  };
  const all = await Promise.all(Array.from({ length: threads }, start));
  return {
    limits,
    ports: all.map(({ port }) => port),
    async stop() {
      await Promise.all(all.map(({ worker }) => worker.terminate()));
      limits.close();
    },
  };
}
