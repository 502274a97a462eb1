import { LimitSet, RateLimit, ResourceLimit } from "limitset";
import { describe, expect, test } from "vitest";
import { Peer, until } from "./peer.ts";

const any = (limits: unknown) => limits as LimitSet<never>;
const make = (capacity: number) => new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity })] });

describe("a thread that ends", () => {
  test("while it holds two: both come back, and waiters are served", async () => {
    const limits = make(2);
    const peer = new Peer(any(limits));
    expect(await peer.do("take", { db: 2 })).toBe(true);
    const waiter = limits.acquire({ db: 2 });
    await peer.kill();
    (await waiter).release();
    expect(limits.stats().db.used).toBe(0);
  });

  test("is reclaimed by hand where no thread watched it", async () => {
    const limits = make(2);
    const peer = new Peer(any(limits), { watched: false });
    expect(await peer.do("take", { db: 2 })).toBe(true);
    await peer.kill();
    expect(limits.stats().db.used).toBe(2);
    peer.shared!.reclaim();
    expect(limits.stats().db.used).toBe(0);
  });

  test("while it is blocked: its place is gone", async () => {
    const limits = make(2);
    const held = limits.tryAcquire({ db: 2 });
    const peer = new Peer(any(limits));
    await peer.do("thread");
    peer.do("acquireSync", { db: 2 }).catch(() => {});
    await until(() => limits.stats().db.used === 2);
    await peer.kill();
    held.release();
    expect(limits.tryAcquire({ db: 2 }).successful).toBe(true);
  });

  test("with waiters, among them one that holds others back: the line goes on", async () => {
    const limits = new LimitSet({
      limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 })],
      missingUpdate: "charge",
    });
    const peer = new Peer(any(limits));
    limits.tryAcquire({ tokens: 100 });
    await peer.do("queue", { tokens: 100 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await peer.kill();
    expect((await limits.acquire({ tokens: 1 })).successful).toBe(true);
  });

  test("takes along the threads that it started itself", async () => {
    const limits = make(3);
    const peer = new Peer(any(limits));
    expect(await peer.do("share", { db: 2 })).toBe(true);
    expect(limits.stats().db.used).toBe(2);
    await peer.kill();
    expect(limits.stats().db.used).toBe(0);
  });

  test("is reclaimed also by a thread that has closed the set meanwhile", async () => {
    const limits = make(2);
    const survivor = new Peer(any(limits));
    const victim = new Peer(any(limits));
    expect(await victim.do("take", { db: 2 })).toBe(true);
    expect(await survivor.do("used", "db")).toBe(2);
    limits.close();
    await victim.kill();
    expect(await survivor.do("take", { db: 2 })).toBe(true);
  });
});

test("twenty contenders on three connections: never more than three inside, one killed in there", async () => {
  const limits = make(3);
  const peers = [1, 2, 3, 4].map(() => new Peer(any(limits)));
  const victim = peers[3]!;
  await victim.do("take", { db: 1 });
  let most = 0;
  let finished = 0;
  const contenders = Array.from({ length: 20 }, async (_, i) => {
    const peer = peers[i % 3]!;
    await peer.do("acquire", { db: 1 });
    most = Math.max(most, limits.stats().db.used);
    await peer.do("release");
    finished++;
  });
  await until(() => finished >= 3);
  await victim.kill();
  await Promise.all(contenders);
  expect(most).toBeLessThanOrEqual(3);
  expect(limits.stats().db.used).toBe(0);
});
