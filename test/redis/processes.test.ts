/** Several processes on one server. Some of them die. */
import { setTimeout as sleep } from "node:timers/promises";
import { CallLimit, RateLimit, ResourceLimit } from "limitset";
import { LeaseLostError, RedisLimitSet } from "limitset/redis";
import { expect, onTestFinished, test } from "vitest";
import { Peer } from "./peers.ts";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const DB = [new ResourceLimit({ key: "db", capacity: 2 })] as const;
const HOUR = 3_600_000;

describeRedis("several processes", () => {
  test("several processes take together exactly as much as one process may", async () => {
    const server = await serverFor();
    const limits = [
      new CallLimit({ capacity: 500, windowMs: HOUR, algorithm: "sliding-window" }),
      new RateLimit({ key: "tokens", capacity: 9_000, windowMs: 24 * HOUR }),
    ];
    const options = { name: "shared", limits, missingUpdate: "charge" } as const;
    const peers = await Promise.all([1, 2, 3].map(() => Peer.start(server, options)));
    const taken = await Promise.all(peers.map((peer) => peer.ask("drain", { tokens: 10 })));
    // The calls run out first.
    expect(taken.reduce((sum: number, one) => sum + (one as number), 0)).toBe(500);
  });

  test("several processes never hold more slots than there are", async () => {
    const server = await serverFor();
    const options = { name: "slots", limits: [new ResourceLimit({ key: "slots", capacity: 3 })] };
    const peers = await Promise.all([1, 2, 3].map(() => Peer.start(server, options)));
    const most = await Promise.all(peers.map((peer) => peer.ask("contend", {}, 40)));
    expect(Math.max(...(most as number[]))).toBeLessThanOrEqual(3);
    const limits = new RedisLimitSet({ ...options, client: clientFor(server) });
    expect((await limits.stats()).slots.used).toBe(0);
    await limits.close();
  });

  test("a release in one process wakes a waiter in another", async () => {
    const server = await serverFor();
    const peer = await Peer.start(server, { name: "woken", limits: DB });
    await peer.ask("acquire", 1, { db: 2 });
    const limits = new RedisLimitSet({ name: "woken", limits: DB, client: clientFor(server) });
    onTestFinished(() => limits.close());
    const waiter = limits.acquire({ db: 1 });
    await sleep(200);
    expect(limits.waiting).toBe(1);
    const before = performance.now();
    await peer.ask("release", 1);
    expect((await waiter).requested).toEqual({ db: 1 });
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  test("a refund in one process lets a waiter in another go before its time", async () => {
    const server = await serverFor();
    const limits = [new RateLimit({ key: "tokens", capacity: 100, windowMs: HOUR })];
    const one = new RedisLimitSet({ name: "refund", limits, client: clientFor(server) });
    const two = new RedisLimitSet({ name: "refund", limits, client: clientFor(server) });
    const acquisition = await one.acquire({ tokens: 100 });
    const waiter = two.acquire({ tokens: 50 });
    await sleep(200);
    acquisition.update({ tokens: 10 });
    acquisition.release();
    expect((await waiter).requested).toEqual({ tokens: 50 });
    await Promise.all([one.close(), two.close()]);
  });

  test("resources of a killed process come back when its lease ends, and not before", async () => {
    const server = await serverFor();
    const leaseMs = 600;
    const peer = await Peer.start(server, { name: "killed", limits: DB, leaseMs });
    await peer.ask("acquire", 1, { db: 2 });
    const limits = new RedisLimitSet({ name: "killed", limits: DB, leaseMs, client: clientFor(server) });
    onTestFinished(() => limits.close());
    const waiter = limits.acquire({ db: 2 });
    // Much longer than the lease, which is renewed.
    await sleep(3 * leaseMs);
    expect(limits.waiting).toBe(1);
    await peer.kill();
    const killed = performance.now();
    await waiter;
    expect(performance.now() - killed).toBeLessThan(leaseMs + 3_000);
    expect((await limits.stats()).db.used).toBe(2);
  });

  test("a process that was stopped for too long learns that its lease is lost, and gives back nothing of the next holder", async () => {
    const server = await serverFor();
    const leaseMs = 1_000;
    const peer = await Peer.start(server, { name: "frozen", limits: DB, leaseMs });
    await peer.ask("acquire", 1, { db: 2 });
    const limits = new RedisLimitSet({ name: "frozen", limits: DB, leaseMs, client: clientFor(server) });
    onTestFinished(() => limits.close());
    peer.process.kill("SIGSTOP");
    const mine = await limits.acquire({ db: 2 });
    peer.process.kill("SIGCONT");
    expect(await peer.lost).toBe("LeaseLostError");
    await peer.ask("release", 1);
    await expect(peer.ask("acquire", 2, { db: 1 }, { timeoutMs: 0 })).rejects.toThrow("TimeoutError");
    expect((await limits.stats()).db.used).toBe(2);
    expect(mine.signal.aborted).toBe(false);
  });

  test("close gives back what the set holds", async () => {
    const server = await serverFor();
    const client = clientFor(server);
    const one = new RedisLimitSet({ name: "closed", limits: DB, client });
    const two = new RedisLimitSet({ name: "closed", limits: DB, client });
    await one.acquire({ db: 2 });
    await one.close();
    expect((await two.tryAcquire({ db: 2 })).successful).toBe(true);
    await two.close();
  });

  test("a set that is not used leaves nothing on the server, and sets no timer", async () => {
    const server = await serverFor();
    const client = clientFor(server);
    const limits = new RedisLimitSet({
      name: "idle",
      limits: [new RateLimit({ key: "tokens", capacity: 10, windowMs: 200 }), ...DB],
      client,
      leaseMs: 300,
    });
    const acquisition = await limits.acquire({ tokens: 10 });
    acquisition.update({ tokens: 10 });
    acquisition.release();
    await limits.stats();
    await client.config("RESETSTAT");
    expect(await client.exists("limitset:{idle}")).toBe(1);
    await expect.poll(() => client.exists("limitset:{idle}"), { timeout: 5_000 }).toBe(0);
    const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await client.info("commandstats"));
    expect(calls).toBe(null);
    expect((await limits.stats()).tokens.used).toBe(0);
    await limits.close();
  });

  test("an acquisition whose lease is lost aborts its signal with a LeaseLostError", async () => {
    const server = await serverFor();
    const client = clientFor(server);
    const limits = new RedisLimitSet({ name: "flushed", limits: DB, client, leaseMs: 300 });
    onTestFinished(() => limits.close());
    const acquisition = await limits.acquire({ db: 2 });
    const lost = new Promise((resolve) => acquisition.signal.addEventListener("abort", resolve));
    await client.flushall();
    await lost;
    expect(acquisition.signal.reason).toBeInstanceOf(LeaseLostError);
    // The release gives back nothing, since the next acquisition holds both.
    const next = await limits.acquire({ db: 2 });
    acquisition.release();
    expect((await limits.stats()).db.used).toBe(2);
    expect(next.signal.aborted).toBe(false);
  });
});
