/** The example with several processes of one server. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster } from "../../examples/guard/cluster.js";

const CALLS = 300;
let cluster: Awaited<ReturnType<typeof startCluster>>;

beforeAll(async () => {
  // No call comes back while the test runs.
  cluster = await startCluster({
    processes: 4,
    calls: CALLS,
    slots: 3,
    user: CALLS,
    ip: CALLS,
    windowMs: 1e12,
  });
}, 60_000);
afterAll(() => cluster.stop());

const get = (path: string, signal?: AbortSignal) =>
  fetch(`http://127.0.0.1:${cluster.port}${path}`, {
    ...(signal && { signal }),
    headers: { connection: "close" },
  });

test("four processes share what is in flight, and a process that is killed gives back what it held", async () => {
  const seen = new Set<string>();
  for (let i = 0; i < 40; i++) seen.add(await (await get("/")).text());
  expect(seen.size).toBe(4);
  const slow = Array.from({ length: 3 }, () => get("/?ms=60000").catch(() => undefined));
  await expect.poll(() => cluster.limits.stats().in_flight.used).toBe(3);
  const refused = await get("/");
  expect([refused.status, refused.headers.get("ratelimit")]).toEqual([
    429,
    expect.stringContaining('"in_flight";r=0'),
  ]);
  expect(await refused.json()).toMatchObject({ "violated-policies": ["in_flight"] });
  for (const worker of cluster.workers.slice(1)) worker.process.kill("SIGKILL");
  await expect.poll(() => cluster.limits.stats().in_flight.used, { timeout: 10_000 }).toBeLessThan(3);
  cluster.workers[0]!.process.kill("SIGKILL");
  await Promise.all(slow);
  await expect.poll(() => cluster.limits.stats().in_flight.used, { timeout: 10_000 }).toBe(0);
});

test("four processes let pass exactly as many calls as one would", async () => {
  const { stop, limits, port } = await startCluster({
    processes: 4,
    calls: CALLS,
    slots: 20,
    user: CALLS,
    ip: CALLS,
    windowMs: 1e12,
  });
  try {
    const statuses: Record<number, number> = {};
    const one = async () => {
      for (let i = 0; i < 50; i++) {
        const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
        await response.text();
        statuses[response.status] = (statuses[response.status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 10 }, one));
    expect(statuses).toEqual({ 200: CALLS, 429: 500 - CALLS });
    expect(limits.stats()).toMatchObject({ calls: { granted: CALLS }, in_flight: { used: 0 } });
  } finally {
    await stop();
  }
});
