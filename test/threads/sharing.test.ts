import {
  CallLimit,
  CannotShareError,
  InvalidHandleError,
  LimitSet,
  LimitSetClosedError,
  RateLimit,
  RateLimitAlgorithm,
  ResourceLimit,
  TooManyThreadsError,
} from "limitset";
import { ManualClock } from "limitset/testing";
import { attachLimits, type LimitSetHandle, shareLimits } from "limitset/threads";
import { describe, expect, test } from "vitest";
import { Peer } from "./peer.ts";

const HOUR_MS = 3_600_000;
const db = (capacity: number) => new ResourceLimit({ key: "db", capacity });

/** A set without the types of its keys, for a peer that is told them by name. */
const any = (limits: unknown) => limits as LimitSet<never>;

describe("a handle", () => {
  test("brings limits, config and state to another thread, whose takes are seen here", async () => {
    const limits = new LimitSet({ limits: [db(3)], config: { model: "m" } });
    limits.tryAcquire({ db: 1 });
    const peer = new Peer(any(limits));
    expect(await peer.do("about")).toEqual({ keys: ["db"], config: { model: "m" } });
    expect(await peer.do("used", "db")).toBe(1);
    expect(await peer.do("take", { db: 2 })).toBe(true);
    expect(await peer.do("take", { db: 1 })).toBe(false);
    expect(limits.stats().db.used).toBe(3);
    await peer.do("release");
    expect(limits.stats().db.used).toBe(1);
  });

  test.each(Object.values(RateLimitAlgorithm))(
    "two threads take together what %s allows",
    async (algorithm) => {
      const capacity = algorithm === "leaky-bucket" ? 1 : 40;
      const limits = new LimitSet({
        limits: [new RateLimit({ key: "x", capacity, windowMs: 24 * HOUR_MS, algorithm })],
      });
      const peer = new Peer(any(limits));
      let granted = 0;
      for (let i = 0; i < 40; i++) {
        if (limits.tryAcquire({ x: 1 }).successful) granted++;
        if (await peer.do("take", { x: 1 })) granted++;
      }
      expect(granted).toBe(capacity);
    },
  );

  test("serves as many threads as there are seats, each with a part of its own, until it is voided", () => {
    const limits = new LimitSet({ limits: [db(9)], maxThreads: 3 });
    const shared = shareLimits(limits);
    const handle = structuredClone(shared.handle);
    const threads = [1, 2, 3].map(() => attachLimits(handle));
    for (const thread of threads) thread.tryAcquire({ db: 2 });
    expect(limits.stats().db.used).toBe(6);
    expect(() => attachLimits(handle)).toThrow(TooManyThreadsError);
    threads[1]!.close();
    expect(limits.stats().db.used).toBe(4);
    attachLimits(handle).tryAcquire({ db: 3 });
    expect(limits.stats().db.used).toBe(7);
    shared.reclaim();
    expect(limits.stats().db.used).toBe(0);
    expect(() => attachLimits(handle)).toThrow(InvalidHandleError);
    expect(() => attachLimits(handle)).toThrow(/voided by reclaim/);
    expect(() => threads[0]!.tryAcquire()).toThrow(LimitSetClosedError);
  });

  test("gives back the holdings of one thread of several, by the number of that thread", async () => {
    const limits = new LimitSet({ limits: [db(9)] });
    const { handle, reclaim } = shareLimits(limits);
    const peers = [1, 2].map(() => new Peer(any(limits), { handle }));
    for (const peer of peers) await peer.do("take", { db: 2 });
    expect(limits.stats().db.used).toBe(4);
    const threadId = await peers[0]!.do<number>("thread");
    await peers[0]!.kill();
    reclaim(threadId + 1000);
    expect(limits.stats().db.used).toBe(4);
    reclaim(threadId);
    expect(limits.stats().db.used).toBe(2);
    const next = new Peer(any(limits), { handle });
    expect(await next.do("take", { db: 3 })).toBe(true);
    reclaim();
    expect(limits.stats().db.used).toBe(0);
  });

  test.each([
    undefined,
    null,
    7,
    {},
    { number: 5 },
    { format: 3, start: 64, entrance: 64, serial: 1, number: 1 },
    { format: 3, start: 1.5, entrance: 64, serial: 1, number: 1, limits: [] },
    { format: 1, start: 64, entrance: 64, serial: 1, number: 1, limits: [] },
  ])("is not %j", (garbage) => {
    expect(() => attachLimits(garbage as unknown as LimitSetHandle)).toThrow(InvalidHandleError);
  });

  test("that was tampered with, or is another set's, is refused and harms nothing", () => {
    const limits = new LimitSet({ limits: [db(1)] });
    const other = new LimitSet({ limits: [db(1)] });
    const { handle } = shareLimits(limits);
    shareLimits(other);
    for (const wrong of [
      { ...handle, format: 99 },
      { ...handle, memory: {} },
      { ...handle, memory: new WebAssembly.Memory({ initial: 1 }) },
      { ...handle, start: handle.start + 1 },
      { ...handle, start: 2 ** 40 },
      { ...handle, serial: handle.serial + 1000 },
      { ...handle, entrance: handle.entrance + 1 },
      { ...handle, entrance: 2 ** 40 },
      { ...handle, number: 0 },
      { ...handle, number: -1 },
      { ...handle, number: handle.number + 1 },
      { ...handle, number: handle.number + 2 ** 12 },
    ]) {
      expect(() => attachLimits(wrong)).toThrow(InvalidHandleError);
    }
    expect(attachLimits(handle).tryAcquire().successful).toBe(true);
  });
});

describe("how many", () => {
  test("threads may attach: maxThreads, and a number that was given back is given again", () => {
    const limits = new LimitSet({ limits: [db(2)], maxThreads: 2 });
    const { handle } = shareLimits(limits);
    const first = attachLimits(handle);
    const second = attachLimits(handle);
    expect(() => attachLimits(handle)).toThrow(TooManyThreadsError);
    expect(() => attachLimits(handle)).toThrow(/2 threads .* maxThreads/);
    second.close();
    first.tryAcquire({ db: 1 });
    for (let i = 0; i < 500; i++) {
      const shared = shareLimits(limits);
      const next = attachLimits(shared.handle);
      expect(next.tryAcquire({ db: 1 }).successful).toBe(true);
      if (i % 2) next.close();
      shared.reclaim();
      expect(limits.stats().db.used).toBe(1);
    }
  });

  test("handles may be out: four for each thread, and those that were reclaimed do not count", () => {
    const limits = new LimitSet({ limits: [db(2)], maxThreads: 2 });
    const shared = Array.from({ length: 8 }, () => shareLimits(limits));
    expect(() => shareLimits(limits)).toThrow(TooManyThreadsError);
    expect(() => shareLimits(limits)).toThrow(/one handle serves many threads/);
    shared[3]!.reclaim();
    expect(attachLimits(shareLimits(limits).handle).tryAcquire().successful).toBe(true);
  });

  test.each([0, -1, 1.5, 1001, Number.NaN, "4"])("maxThreads cannot be %s", (maxThreads) => {
    expect(() => new LimitSet({ maxThreads: maxThreads as number })).toThrow(
      /maxThreads must be .* 1 to 1000/,
    );
  });

  test("threads come and go: the number of one that has ended is free", async () => {
    const limits = new LimitSet({ limits: [db(1)], maxThreads: 1 });
    for (let i = 0; i < 5; i++) {
      const peer = new Peer(any(limits));
      expect(await peer.do("take", { db: 1 })).toBe(true);
      await peer.kill();
      expect(limits.stats().db.used).toBe(0);
    }
  });
});

test("a set that cannot be shared says why", () => {
  const alone = new LimitSet({ shared: false });
  expect(() => shareLimits(alone)).toThrow(CannotShareError);
  expect(() => shareLimits(alone)).toThrow(/limitset\/port/);
  for (const none of [undefined, null, 7, {}, { acquire() {} }]) {
    expect(() => shareLimits(none as never)).toThrow(/only a LimitSet of this thread .* got/);
  }
  const byUser = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 1000, per: "user" })] });
  const view = byUser.for({ user: "alice" }) as never;
  expect(() => shareLimits(view)).toThrow(CannotShareError);
  expect(() => shareLimits(view)).toThrow("a view cannot be shared: share its set");
  expect(() => shareLimits(new LimitSet(), {} as never)).toThrow(/postMessage, got an object/);
  const limits = new LimitSet({ limits: [db(1)], config: { call: () => {} } });
  expect(() => shareLimits(limits)).toThrow(CannotShareError);
  expect(limits.tryAcquire().successful).toBe(true);
});

test("a thread that was reclaimed while it lived finds its set closed", async () => {
  const limits = new LimitSet({ limits: [db(2)] });
  const shared = shareLimits(limits);
  const given = attachLimits(shared.handle);
  const acquisition = given.tryAcquire({ db: 2 });
  const waiter = given.acquire({ db: 1 });
  waiter.catch(() => {});
  shared.reclaim();
  expect(limits.stats().db.used).toBe(0);
  expect(limits.tryAcquire({ db: 1 }).successful).toBe(true);
  acquisition.release();
  expect(limits.stats().db.used).toBe(1);
  expect(() => given.tryAcquire({ db: 1 })).toThrow(LimitSetClosedError);
  await expect(waiter).rejects.toThrow(/reclaimed/);
  await expect(given.acquire()).rejects.toThrow(LimitSetClosedError);
  shared.reclaim();
  expect(limits.stats().db.used).toBe(1);
});

test.each([
  ["charge", (limits: LimitSet<"x">) => limits.charge({ x: 1 })],
  ["lower", (limits: LimitSet<"x">) => limits.lower({ x: 1 })],
  ["pause", (limits: LimitSet<"x">) => limits.pause(1000)],
  ["resume", (limits: LimitSet<"x">) => limits.resume()],
  ["reset", (limits: LimitSet<"x">) => limits.reset()],
  ["stats", (limits: LimitSet<"x">) => limits.stats()],
])(
  "a thread that was reclaimed while it lived finds its set closed by %s, which does nothing",
  async (_, act) => {
    const limits = new LimitSet({ limits: [new RateLimit({ key: "x", capacity: 10, windowMs: 3_600_000 })] });
    limits.tryAcquire({ x: 3 });
    limits.pause(Number.POSITIVE_INFINITY);
    const shared = shareLimits(limits);
    const given = attachLimits(shared.handle);
    const waiter = given.acquire({ x: 1 });
    waiter.catch(() => {});
    shared.reclaim();
    expect(() => act(given)).toThrow(expect.objectContaining({ code: "ERR_LIMIT_SET_CLOSED" }));
    await expect(waiter).rejects.toThrow(/reclaimed/);
    expect(limits.stats().x).toMatchObject({ used: 3, charged: 0, retryAfterMs: Number.POSITIVE_INFINITY });
  },
);

test.each(Object.values(RateLimitAlgorithm))(
  "the first share moves a set with all it holds: %s",
  async (algorithm) => {
    const make = () => {
      const clock = new ManualClock();
      const rate = new RateLimit({ key: "x", capacity: 100, windowMs: 1000, algorithm });
      return { clock, limits: new LimitSet({ limits: [rate, db(2)], clock, missingUpdate: "charge" }) };
    };
    const [moved, stayed] = [make(), make()];
    const histories = [moved, stayed].map(async ({ clock, limits }, i) => {
      const seen: unknown[] = [];
      const see = () => seen.push(limits.stats());
      const first = limits.tryAcquire({ x: 60 });
      clock.advance(200);
      const second = await limits.acquire({ x: 1 }, { timeoutMs: 0 }).catch((error: Error) => error.name);
      const waiter = limits.acquire({ x: 50 });
      see();
      if (i === 0) attachLimits(shareLimits(limits).handle, { clock });
      see();
      first.update({ x: 10 });
      first.release();
      see();
      await clock.advanceAsync(2000);
      see();
      (await waiter).release();
      if (typeof second === "object") second.release();
      see();
      seen.push(limits.tryAcquire({ x: 100 }).retryAfterMs);
      return seen;
    });
    const [a, b] = await Promise.all(histories);
    expect(a).toEqual(b);
  },
);

test("a set lives as long as a thread has it open", async () => {
  const limits = new LimitSet({ limits: [db(2)] });
  const peer = new Peer(any(limits));
  expect(await peer.do("take", { db: 1 })).toBe(true);
  limits.tryAcquire({ db: 1 });
  limits.close();
  expect(await peer.do("used", "db")).toBe(1);
  expect(await peer.do("take", { db: 1 })).toBe(true);
  // New sets must not be laid over it.
  for (let i = 0; i < 50; i++) new LimitSet({ limits: [db(9)] }).tryAcquire();
  expect(await peer.do("used", "db")).toBe(2);
  await peer.do("close");
  await expect(peer.do("take", { db: 1 })).rejects.toMatchObject({ code: "ERR_LIMIT_SET_CLOSED" });
});

/** A worker as sharing sees it: it receives a handle, and ends when it is told to. */
class Stranger {
  handle: LimitSetHandle<"db"> | undefined;
  end = () => {};

  once(_event: "exit", listener: () => void) {
    this.end = listener;
  }

  postMessage(message: unknown) {
    this.handle = message as LimitSetHandle<"db">;
  }
}

test("a thread that ends after its set is gone takes nothing from the set that has the memory now", () => {
  const [early, late] = [new Stranger(), new Stranger()];
  const gone = new LimitSet({ limits: [db(3)] });
  shareLimits(gone, early);
  attachLimits(early.handle!).close();
  gone.close();

  const limits = new LimitSet({ limits: [db(3)] });
  shareLimits(limits, late);
  expect(late.handle!.start, "the memory is used again").toBe(early.handle!.start);
  const there = attachLimits(late.handle!);
  const held = there.tryAcquire({ db: 2 });
  early.end();
  expect(limits.stats().db.used).toBe(2);
  held.release();
  expect(there.tryAcquire({ db: 3 }).successful).toBe(true);
  late.end();
  expect(limits.stats().db.used).toBe(0);
  limits.close();
});
