/** Claims: what a waiter that was passed over keeps from later requests of other processes, and what it leaves to them. */
import { setTimeout as sleep } from "node:timers/promises";
import { CallLimit, RateLimit, ResourceLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";
import { ManualClock } from "limitset/testing";
import { expect, onTestFinished, test } from "vitest";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const TOKENS = new RateLimit({ key: "tokens", capacity: 100, windowMs: 10_000 });
const CALLS = new CallLimit({ capacity: 50, windowMs: 1000 });
const EACH = new RateLimit({ key: "each", counts: "tokens", capacity: 10, windowMs: 10_000, per: "user" });
const DB = new ResourceLimit({ key: "db", capacity: 2 });

/** Sets of several processes, with one clock. */
async function processes(
  count: number,
  limits: readonly (typeof TOKENS | typeof CALLS | typeof EACH | typeof DB)[],
) {
  const client = clientFor(await serverFor());
  const clock = new ManualClock();
  const sets = Array.from({ length: count }, () => {
    const set = new RedisLimitSet<string>({ name: "claims", limits, client, clock, missingUpdate: "charge" });
    onTestFinished(() => set.close());
    return set;
  }) as [RedisLimitSet, RedisLimitSet, RedisLimitSet];
  /** Moves time, and waits until all that this leads to has arrived, notices of the server included. */
  const advance = async (ms: number) => {
    clock.advance(ms);
    for (let times = 0; times < 3; times++) {
      await sleep(5);
      await Promise.all(sets.map((set) => set.stats()));
    }
  };
  return { sets, advance, client };
}

/** Whether a promise has been kept so far. */
function watch(promise: Promise<unknown>): { granted: boolean } {
  const watched = { granted: false };
  promise.then(
    () => {
      watched.granted = true;
    },
    () => {},
  );
  return watched;
}

describeRedis("claims", () => {
  test("a claim for tokens refuses no call", async () => {
    const { sets, advance } = await processes(2, [TOKENS, CALLS]);
    const [mine, theirs] = sets;
    await theirs.acquire({ tokens: 100 });
    const waiter = watch(mine.acquire({ tokens: 50 }));
    await advance(0);
    await advance(100);
    // It is asked for again, and claims 50 tokens and a call.
    await mine.resume();
    await advance(0);
    await advance(100);
    for (let times = 0; times < 20; times++)
      expect((await theirs.tryAcquire({ tokens: 0, call_count: 1 })).successful).toBe(true);
    expect(await theirs.tryAcquire({ tokens: 1, call_count: 0 })).toMatchObject({ limitedBy: ["tokens"] });
    await advance(5000);
    expect(waiter.granted).toBe(true);
  });

  test("a refusal names the limit that refuses by itself before those that a claim keeps, each once", async () => {
    const { sets, advance } = await processes(2, [TOKENS, CALLS]);
    const [mine, theirs] = sets;
    await theirs.acquire({ tokens: 100, call_count: 50 });
    watch(mine.acquire({ tokens: 50, call_count: 2 }));
    await advance(0);
    await advance(60);
    await mine.resume();
    await advance(0);
    await advance(40);
    // Of the calls five have come back, of the tokens one.
    const { limitedBy, retryAfterMs } = await theirs.tryAcquire({ tokens: 2, call_count: 4 });
    expect(limitedBy).toEqual(["tokens", "calls"].map((key) => (key === "calls" ? "call_count" : key)));
    // Both can have theirs once 52 tokens are back.
    expect(retryAfterMs).toBe(5100);
  });

  test("a claim of one user's partition refuses no other user, whose waiters have claims of their own", async () => {
    const { sets, advance } = await processes(3, [EACH]);
    const [one, other, third] = sets;
    const [alice, bob] = [{ user: "alice" }, { user: "bob" }];
    await third.for(alice).acquire({ tokens: 10 });
    await third.for(bob).acquire({ tokens: 10 });
    const waiters = [
      watch(one.for(alice).acquire({ tokens: 5 })),
      watch(other.for(bob).acquire({ tokens: 5 })),
    ];
    await advance(0);
    await advance(60);
    await Promise.all([one.resume(), other.resume()]);
    await advance(2000);
    // Two tokens are back of each, and kept.
    for (const user of [alice, bob])
      expect(await third.for(user).tryAcquire({ tokens: 1 })).toMatchObject({
        successful: false,
        limitedBy: ["each"],
      });
    expect((await third.for({ user: "carol" }).tryAcquire({ tokens: 10 })).successful).toBe(true);
    await advance(3000);
    expect(waiters.map(({ granted }) => granted)).toEqual([true, true]);
  });

  test("a waiter that hangs on a resource does not let one for tokens starve", async () => {
    const { sets, advance } = await processes(3, [TOKENS, DB]);
    const [one, other, third] = sets;
    const held = await third.acquire({ tokens: 0, db: 2 });
    watch(one.acquire({ tokens: 1, db: 1 }));
    await advance(0);
    await advance(60);
    await one.resume();
    await third.acquire({ tokens: 99, db: 0 });
    const waiter = watch(other.acquire({ tokens: 50, db: 0 }));
    for (let times = 0; times < 60 && !waiter.granted; times++) {
      await advance(100);
      await third.tryAcquire({ tokens: 1, db: 0 });
    }
    expect(waiter.granted).toBe(true);
    held.release();
  });

  test("a waiter behind a pause claims nothing", async () => {
    const { sets, advance } = await processes(2, [TOKENS, CALLS]);
    const [mine, theirs] = sets;
    await theirs.pause(Number.POSITIVE_INFINITY, ["tokens"]);
    watch(mine.acquire({ tokens: 50, call_count: 50 }));
    for (let times = 0; times < 4; times++) {
      await mine.charge({ call_count: 1 });
      await advance(60);
    }
    expect((await theirs.tryAcquire({ tokens: 0, call_count: 45 })).successful).toBe(true);
  });

  test("the claim of a waiter that has given up ends with its last answer", async () => {
    const { sets, advance, client } = await processes(2, [TOKENS]);
    const [mine, theirs] = sets;
    await theirs.acquire({ tokens: 100 });
    watch(mine.acquire({ tokens: 50 }, { timeoutMs: 200 }));
    await advance(0);
    await advance(100);
    await mine.resume();
    await advance(50);
    const [key] = await client.keys("*claims*");
    expect(await client.hget(key!, "q")).toMatch(/^\d+ \d+ \S+ 0 1 1:50$/);
    expect((await theirs.tryAcquire({ tokens: 1 })).successful).toBe(false);
    await advance(60);
    await advance(0);
    expect(await client.hget(key!, "q")).toBe("");
    expect((await theirs.tryAcquire({ tokens: 1 })).successful).toBe(true);
  });
});
