import {
  CannotShareError,
  InvalidHandleError,
  LimitSet,
  LimitSetClosedError,
  type LimitSetHandle,
  RateLimit,
  RateLimitAlgorithm,
  ResourceLimit,
  TooManyThreadsError,
} from "limitset";
import { ManualClock } from "limitset/testing";
import { describe, expect, test } from "vitest";
import { Peer } from "./peer.ts";

const HOUR_MS = 3_600_000;
const db = (capacity: number) => new ResourceLimit({ key: "db", capacity });

/** Any set, whatever its keys, to a peer that is told them by name. */
const any = (limits: unknown) => limits as LimitSet<never>;

describe("a handle", () => {
  test("brings limits, config and state to another thread, and what that takes is seen here", async () => {
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

  test("is good once", () => {
    const limits = new LimitSet({ limits: [db(1)] });
    const handle = structuredClone(limits.share());
    LimitSet.attach(handle).tryAcquire({ db: 1 });
    expect(limits.stats().db.used).toBe(1);
    expect(() => LimitSet.attach(handle)).toThrow(InvalidHandleError);
    expect(() => LimitSet.attach(handle)).toThrow(/used or reclaimed/);
    const second = limits.share();
    limits.reclaim(second);
    expect(() => LimitSet.attach(second)).toThrow(InvalidHandleError);
  });

  test.each([
    undefined,
    null,
    7,
    {},
    { seat: { participant: 0, life: 5 } },
    { seat: null, format: 1 },
    { seat: { participant: 1.5, life: 5 }, format: 1 },
  ])("is not %j", (garbage) => {
    expect(() => LimitSet.attach(garbage as unknown as LimitSetHandle)).toThrow(InvalidHandleError);
  });

  test("that was tampered with, or is another set's, is refused and harms nothing", () => {
    const limits = new LimitSet({ limits: [db(1)] });
    const other = new LimitSet({ limits: [db(1)] });
    const handle = limits.share();
    other.share();
    for (const wrong of [
      { ...handle, format: 99 },
      { ...handle, memory: {} },
      { ...handle, memory: new WebAssembly.Memory({ initial: 1 }) },
      { ...handle, start: handle.start + 1 },
      { ...handle, start: 2 ** 40 },
      { ...handle, serial: handle.serial + 1000 },
      { ...handle, seat: { ...handle.seat, participant: 1e6 } },
      { ...handle, seat: { ...handle.seat, life: handle.seat.life + 4 } },
    ]) {
      expect(() => LimitSet.attach(wrong)).toThrow(InvalidHandleError);
    }
    expect(() => other.reclaim(handle)).toThrow(InvalidHandleError);
    expect(LimitSet.attach(handle).tryAcquire().successful).toBe(true);
  });
});

describe("how many", () => {
  test("threads may share: maxThreads, and a number that was given back is given again", () => {
    const limits = new LimitSet({ limits: [db(2)], maxThreads: 2 });
    const first = LimitSet.attach(limits.share());
    const unused = limits.share();
    expect(() => limits.share()).toThrow(TooManyThreadsError);
    expect(() => limits.share()).toThrow(/2 threads .* maxThreads/);
    limits.reclaim(unused);
    first.tryAcquire({ db: 1 });
    for (let i = 0; i < 500; i++) {
      const handle = limits.share();
      const next = LimitSet.attach(handle);
      expect(next.tryAcquire({ db: 1 }).successful).toBe(true);
      if (i % 2) next.close();
      else limits.reclaim(handle);
      expect(limits.stats().db.used).toBe(1);
    }
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

test("what cannot be shared says so", () => {
  expect(() => new LimitSet({ shared: false }).share()).toThrow(CannotShareError);
  expect(() => new LimitSet({ shared: false }).share()).toThrow(/limitset\/port/);
  const limits = new LimitSet({ limits: [db(1)], config: { call: () => {} } });
  expect(() => limits.share()).toThrow(CannotShareError);
  expect(limits.tryAcquire().successful).toBe(true);
});

test("a thread that was given up while it lived finds its set closed", async () => {
  const limits = new LimitSet({ limits: [db(2)] });
  const handle = limits.share();
  const given = LimitSet.attach(handle);
  const acquisition = given.tryAcquire({ db: 2 });
  const waiter = given.acquire({ db: 1 });
  waiter.catch(() => {});
  limits.reclaim(handle);
  expect(limits.stats().db.used).toBe(0);
  expect(limits.tryAcquire({ db: 1 }).successful).toBe(true);
  acquisition.release();
  expect(limits.stats().db.used).toBe(1);
  expect(() => given.tryAcquire({ db: 1 })).toThrow(LimitSetClosedError);
  await expect(waiter).rejects.toThrow(/reclaimed/);
  await expect(given.acquire()).rejects.toThrow(LimitSetClosedError);
  limits.reclaim(handle);
  expect(limits.stats().db.used).toBe(1);
});

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
      if (i === 0) LimitSet.attach(limits.share(), { clock });
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

test("a set lives as long as anybody has it open", async () => {
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

/** A worker, as far as sharing sees one: it has got a handle, and ends when told. */
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
  gone.shareWith(early);
  LimitSet.attach(early.handle!).close();
  gone.close();

  const limits = new LimitSet({ limits: [db(3)] });
  limits.shareWith(late);
  expect(late.handle!.start, "the memory is used again").toBe(early.handle!.start);
  const there = LimitSet.attach(late.handle!);
  const held = there.tryAcquire({ db: 2 });
  early.end();
  expect(limits.stats().db.used).toBe(2);
  held.release();
  expect(there.tryAcquire({ db: 3 }).successful).toBe(true);
  late.end();
  expect(limits.stats().db.used).toBe(0);
  limits.close();
});
