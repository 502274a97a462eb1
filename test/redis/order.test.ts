/** Order between processes: no waiter is passed over for ever, and a waiter that is gone does not hold up the others for long. */
import { setTimeout as sleep } from "node:timers/promises";
import { RateLimit, ResourceLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";
import { ManualClock } from "limitset/testing";
import { expect, onTestFinished, test } from "vitest";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const TOKENS = new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000 });
const DB = new ResourceLimit({ key: "db", capacity: 2 });

/** Two sets, as two processes would have them, with one clock. */
async function two<K extends string>(limits: readonly (RateLimit<K> | ResourceLimit<K>)[]) {
  const client = clientFor(await serverFor());
  const clock = new ManualClock();
  const open = () => {
    const set = new RedisLimitSet<K>({ name: "order", limits, client, clock, missingUpdate: "charge" });
    onTestFinished(() => set.close());
    return set;
  };
  const [mine, theirs] = [open(), open()];
  /** Moves time, and waits until all that this leads to has arrived, notices of the server included. */
  const advance = async (ms: number) => {
    clock.advance(ms);
    for (let times = 0; times < 3; times++) {
      await sleep(5);
      await Promise.all([mine.stats(), theirs.stats()]);
    }
  };
  return { mine, theirs, advance };
}

describeRedis("order between processes", () => {
  test("small requests of one process do not starve a large request of another", async () => {
    const { mine, theirs, advance } = await two([TOKENS]);
    await theirs.acquire({ tokens: 10 });
    let granted = false;
    mine.acquire({ tokens: 10 }).then(() => {
      granted = true;
    });
    await advance(0);
    let passed = 0;
    for (let times = 0; times < 40 && !granted; times++) {
      await advance(100);
      if (!granted && (await theirs.tryAcquire({ tokens: 1 })).successful) passed++;
    }
    expect(granted).toBe(true);
    // Small requests may pass until the large one has waited for as long as it would have waited alone.
    expect(passed).toBeLessThanOrEqual(10);
  });

  test("a peek tells what a try would answer while the waiter of another process keeps it back", async () => {
    const { mine, theirs, advance } = await two([TOKENS]);
    await theirs.acquire({ tokens: 10 });
    const waiter = mine.acquire({ tokens: 10 });
    await advance(0);
    await advance(500);
    expect((await theirs.tryAcquire({ tokens: 1 })).successful).toBe(true);
    // The waiter asks again, is refused, and claims what it waits for.
    await advance(500);
    let kept = 0;
    for (let times = 0; times < 3; times++) {
      const before = await theirs.stats();
      const { successful, retryAfterMs, limitedBy, ahead } = await theirs.peek({ tokens: 1 });
      expect(await theirs.stats()).toEqual(before);
      const tried = await theirs.tryAcquire({ tokens: 1 });
      expect([successful, retryAfterMs, limitedBy, ahead]).toEqual([
        tried.successful,
        tried.retryAfterMs,
        tried.limitedBy,
        tried.ahead,
      ]);
      if (!successful && before.tokens.available > 1) kept++;
    }
    expect(kept).toBeGreaterThan(0);
    for (let times = 0; times < 40; times++) await advance(100);
    expect((await waiter).requested).toEqual({ tokens: 10 });
  });

  test("a waiter for two slots gets them one after the other", async () => {
    const { mine, theirs, advance } = await two([DB]);
    const [one, other] = [await theirs.acquire(), await theirs.acquire()];
    let granted = false;
    mine.acquire({ db: 2 }).then(() => {
      granted = true;
    });
    await advance(100);
    one.release();
    await advance(100);
    const refused = await theirs.tryAcquire();
    expect(refused).toMatchObject({ successful: false, limitedBy: ["db"] });
    await advance(10);
    expect((await theirs.tryAcquire()).successful).toBe(false);
    other.release();
    await advance(10);
    expect(granted).toBe(true);
  });

  test("a waiter that was passed over keeps what it wants, and no more", async () => {
    const { mine, theirs, advance } = await two([TOKENS, DB]);
    const one = await theirs.acquire({ tokens: 9, db: 1 });
    const other = await theirs.acquire({ tokens: 0, db: 1 });
    mine.acquire({ tokens: 5, db: 1 }).catch(() => {});
    await advance(100);
    // It is refused now, and claims a slot and 5 tokens.
    await mine.stats();
    await advance(800);
    expect((await theirs.tryAcquire({ tokens: 3, db: 0 })).successful).toBe(true);
    const refused = await theirs.tryAcquire({ tokens: 3, db: 0 });
    expect(refused).toMatchObject({ successful: false, limitedBy: ["tokens"] });
    one.release();
    other.release();
  });

  test("a waiter that is gone does not hold up other processes for long", async () => {
    const { mine, theirs, advance } = await two([DB]);
    const [one] = [await theirs.acquire(), await theirs.acquire()];
    const waiter = mine.acquire({ db: 2 });
    waiter.catch(() => {});
    await advance(100);
    one.release();
    await advance(100);
    expect((await theirs.tryAcquire()).successful).toBe(false);
    await mine.close();
    await theirs.tryAcquire();
    await advance(0).catch(() => {});
    let heldUpMs = 0;
    while (!(await theirs.tryAcquire()).successful && heldUpMs < 2_000) {
      heldUpMs += 50;
      await advance(50).catch(() => {});
    }
    expect(heldUpMs).toBeLessThanOrEqual(300);
  });
});
