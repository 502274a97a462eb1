/** Which waiters a process asks for again: after an event only those that it may concern, however many wait. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { RateLimit, ResourceLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";
import { ManualClock } from "limitset/testing";
import { expect, onTestFinished, test } from "vitest";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const USERS = 300;
const SLOTS = new ResourceLimit({ key: "slots", capacity: 1, per: "user" });
const DB = new ResourceLimit({ key: "db", capacity: 1 });
const TOKENS = new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000 });

/** Counts what a client asks from now on: calls of the script, and the requests in them. */
function asksOf(client: Redis): { calls: number; requests: number } {
  const asks = { calls: 0, requests: 0 };
  const evalsha = client.evalsha.bind(client) as (...args: unknown[]) => Promise<unknown>;
  client.evalsha = ((...args: unknown[]) => {
    asks.calls++;
    asks.requests += args.filter((each) => /^[TN](\d+ )?\d+:\d+/.test(String(each))).length;
    return evalsha(...args);
  }) as never;
  return asks;
}

async function processes(limits: readonly (typeof SLOTS | typeof DB | typeof TOKENS)[]) {
  const server = await serverFor();
  const clock = new ManualClock();
  const clients = [clientFor(server), clientFor(server)] as const;
  const sets = clients.map((client) => {
    const set = new RedisLimitSet<string>({ name: "lines", limits, client, clock, missingUpdate: "charge" });
    onTestFinished(() => set.close());
    return set;
  }) as [RedisLimitSet, RedisLimitSet];
  /** Waits until all that this leads to has arrived; and until releases are heard, if a request waits. */
  const settled = async () => {
    if (sets[0].waiting > 0) {
      const heard = async () => (await clients[1].pubsub("CHANNELS")).length;
      await expect.poll(heard).toBeGreaterThan(0);
    }
    for (let times = 0; times < 4; times++) {
      await sleep(5);
      await Promise.all(sets.map((set) => set.stats()));
    }
  };
  return { sets, client: clients[0], clock, settled };
}

/** The names of the users whose request was granted. */
function waitFor(set: RedisLimitSet<string>, amounts: Readonly<Record<string, number>>): string[] {
  const granted: string[] = [];
  for (let i = 0; i < USERS; i++) {
    set
      .for({ user: `user ${i}` })
      .acquire(amounts)
      .then(
        () => granted.push(`user ${i}`),
        () => {},
      );
  }
  return granted;
}

describeRedis("the lines that a process asks for", () => {
  test("are after a release of one partition only those that want it", { timeout: 30_000 }, async () => {
    const { sets, client, settled } = await processes([SLOTS]);
    const [mine, theirs] = sets;
    const holders = [mine, theirs];
    const held = await Promise.all(
      Array.from({ length: USERS }, (_, i) =>
        holders[i % 2]!.for({ user: `user ${i}` }).acquire({ slots: 1 }),
      ),
    );
    const granted = waitFor(mine, { slots: 1 });
    await settled();
    const asks = asksOf(client);
    // One of this process, and one of the other.
    for (const i of [100, 201]) {
      held[i]!.release();
      await settled();
    }
    expect(granted).toEqual(["user 100", "user 201"]);
    expect(asks.requests).toBeLessThanOrEqual(4);
  });

  test("are after a release of what all wait for a few, however many wait", { timeout: 30_000 }, async () => {
    const { sets, client, settled } = await processes([DB, SLOTS]);
    const [mine, theirs] = sets;
    const held = await theirs.for({ user: null }).acquire({ db: 1, slots: 0 });
    const granted = waitFor(mine, { db: 1, slots: 1 });
    await settled();
    const asks = asksOf(client);
    held.release();
    await settled();
    expect(granted).toEqual(["user 0"]);
    expect(asks.requests).toBeLessThanOrEqual(8);
  });

  test("are none of those that only others before them hold up, while time passes", async () => {
    const { sets, client, clock, settled } = await processes([TOKENS, DB]);
    const [mine, theirs] = sets;
    const held = await theirs.acquire({ tokens: 0, db: 1 });
    const order: string[] = [];
    mine.acquire({ tokens: 5, db: 1 }).then(
      () => order.push("first"),
      () => {},
    );
    mine.acquire({ tokens: 8, db: 0 }).then(
      () => order.push("second"),
      () => {},
    );
    await settled();
    const asks = asksOf(client);
    for (let times = 0; times < 50; times++) {
      clock.advance(100);
      await sleep(2);
    }
    expect(asks.requests).toBe(0);
    held.release();
    await settled();
    expect(order).toEqual(["first"]);
    clock.advance(300);
    await settled();
    expect(order).toEqual(["first", "second"]);
  });
});
