/** Serves a set to a worker, over a MessagePort and over the worker itself. The worker is terminated while it holds. */
import { LimitSet, ResourceLimit } from "../../dist/index.js";
import { connectLimits, serveLimits } from "../../dist/port/index.js";

const { Deno, Bun } = /** @type {{ Deno?: { version: { deno: string } }, Bun?: { version: string } }} */ (
  /** @type {unknown} */ (globalThis)
);

/** @param {"port" | "worker"} way */
async function through(way) {
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 2 })], shared: false });
  const worker = new Worker(new URL("./port-thread.js", import.meta.url), { type: "module" });
  const { port1, port2 } = new MessageChannel();
  /** @type {Promise<unknown>} */
  const taken = new Promise((resolve) => {
    worker.onmessage = ({ data }) => {
      if (data.taken) resolve(data.taken);
    };
  });
  if (way === "port") {
    serveLimits(limits, port1);
    worker.postMessage({ port: port2 }, [port2]);
  } else {
    serveLimits(limits, worker);
    worker.postMessage({ port: null });
  }
  const seen = { taken: await taken, used: limits.stats().db.used };
  const inherited = limits.acquire({ db: 2 });
  while (limits.waiting < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  const killedAt = performance.now();
  worker.terminate();
  await inherited;
  const afterMs = performance.now() - killedAt;
  const atOnce = afterMs < 1_000;
  port1.close();
  return { ...seen, waiting: limits.waiting, atOnce };
}

/** A connection to a worker whose script is not there. */
async function missing() {
  const worker = new Worker(new URL("./not-there.js", import.meta.url), { type: "module" });
  worker.addEventListener("error", (event) => event.preventDefault());
  const limits = connectLimits(worker, { deadlineMs: 40_000 });
  return limits.acquire().then(String, (error) => error.message);
}

const runtime = Deno ? `Deno ${Deno.version.deno}` : Bun ? `Bun ${Bun.version}` : "neither";
console.log(
  JSON.stringify({
    runtime,
    port: await through("port"),
    worker: await through("worker"),
    missing: await missing(),
  }),
);
