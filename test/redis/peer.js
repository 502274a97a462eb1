// A process with a set on the server at a given port. It carries out the orders of the test.
import { Redis } from "ioredis";
import { RedisLimitSet } from "limitset/redis";

const { port, ...options } = JSON.parse(process.argv[2] ?? "{}");
const client = new Redis(port, "127.0.0.1");
const limits = new RedisLimitSet({ ...options, client });
/** @type {Map<number, import("limitset/redis").RedisAcquisition<string>>} */
const held = new Map();

/** @type {Record<string, (...args: any[]) => unknown>} */
const orders = {
  async acquire(id, requested, acquireOptions) {
    const acquisition = await limits.acquire(requested, acquireOptions);
    held.set(id, acquisition);
    acquisition.signal.addEventListener("abort", () =>
      process.send?.({ lost: id, reason: acquisition.signal.reason.name }),
    );
    return acquisition.requested;
  },
  release: (id) => held.get(id)?.release(),
  /** Takes until refused, with four requests at a time; answers how often that was granted. */
  async drain(requested) {
    let taken = 0;
    const one = async () => {
      while ((await limits.tryAcquire(requested)).successful) taken++;
    };
    await Promise.all([one(), one(), one(), one()]);
    return taken;
  },
  /** Tries so often at once; answers how often that was granted. */
  async burst(requested, times) {
    const tries = await Promise.all(Array.from({ length: times }, () => limits.tryAcquire(requested)));
    return tries.filter((tried) => tried.successful).length;
  },
  /** Acquires and releases so many times; answers the most that were held at once in all processes. */
  async contend(requested, times) {
    let most = 0;
    const one = async () => {
      for (let i = 0; i < times; i++) {
        const acquisition = await limits.acquire(requested);
        most = Math.max(most, await client.incr("inside"));
        await client.decr("inside");
        acquisition.release();
      }
    };
    await Promise.all([one(), one(), one()]);
    return most;
  },
  async end() {
    await limits.close();
    client.disconnect();
    process.disconnect();
  },
};

process.on(
  "message",
  async (/** @type {{ id: number, order: string, args: unknown[] }} */ { id, order, args }) => {
    try {
      process.send?.({ id, result: await orders[order]?.(...args) });
    } catch (error) {
      process.send?.({ id, error: /** @type {Error} */ (error).name });
    }
  },
);
process.send?.({ ready: true });
