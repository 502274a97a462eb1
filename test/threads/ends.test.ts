/** However threads end, their holdings and their numbers come back. */
import { once } from "node:events";
import { threadId, Worker } from "node:worker_threads";
import {
  InvalidHandleError,
  LimitSet,
  LimitSetClosedError,
  ResourceLimit,
  TooManyThreadsError,
} from "limitset";
import { attachLimits, type LimitSetHandle, shareLimits } from "limitset/threads";
import { describe, expect, test } from "vitest";
import { Peer } from "./peer.ts";

const any = (limits: unknown) => limits as LimitSet<never>;
const db = (capacity: number) => new ResourceLimit({ key: "db", capacity });

interface Part {
  enter(): boolean;
  exit(): void;
}

/** This thread's part in a shared set: by `enter` a thread begins a transaction, in the middle of which it may die. */
function partOf(limits: LimitSet<"db">): Part {
  const open = Reflect.get(limits, Symbol.for("limitset.internals")) as () => { region: { sharing: Part } };
  return open.call(limits).region.sharing;
}

/** A worker as sharing sees it. Its thread is this one, and ends when the test says so. */
class Stranger {
  readonly threadId = threadId;
  handle!: LimitSetHandle<"db">;
  end = () => {};

  once(_event: "exit", listener: () => void) {
    this.end = listener;
  }

  postMessage(message: unknown) {
    this.handle = message as LimitSetHandle<"db">;
  }
}

test("a worker shares on, closes, and ends with its own worker: life after life", async () => {
  const limits = new LimitSet({ limits: [db(4)], maxThreads: 2 });
  for (let lives = 0; lives < 4; lives++) {
    const peer = new Peer(any(limits));
    expect(await peer.do("share", { db: 2 })).toBe(true);
    await peer.do("close");
    expect(limits.stats().db.used).toBe(2);
    await peer.kill();
    expect(limits.stats().db.used).toBe(0);
  }
});

test("a worker ends with workers that are in the middle of a take: all numbers come back", async () => {
  const limits = new LimitSet({ limits: [db(4)], maxThreads: 2 });
  for (let lives = 0; lives < 6; lives++) {
    const peer = new Peer(any(limits));
    await peer.do("shareBusily", { db: 1 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await peer.kill();
    expect(limits.stats().db.used).toBe(0);
  }
});

test("the maker closes, and then its only worker ends", async () => {
  const limits = new LimitSet({ limits: [db(4)], maxThreads: 1 });
  const { handle } = shareLimits(limits);
  const peer = new Peer(any(limits));
  expect(await peer.do("take", { db: 2 })).toBe(true);
  limits.close();
  await peer.kill();
  for (let lives = 0; lives < 3; lives++) {
    const next = attachLimits(handle);
    expect(next.stats().db.used).toBe(0);
    next.tryAcquire({ db: 1 });
    next.close();
  }
});

test("the thread of the maker ends: a thread that has the set reclaims it by its id", async () => {
  const workerData = { options: { limits: [db(4)], maxThreads: 2 }, requested: { db: 3 } };
  const maker = new Worker(new URL("./maker.js", import.meta.url), { workerData });
  const makerId = maker.threadId;
  const [handle] = (await once(maker, "message")) as [LimitSetHandle<"db">];
  const attached = attachLimits(handle);
  await maker.terminate();
  expect(attached.stats().db.used).toBe(3);
  const { reclaim } = shareLimits(attached);
  reclaim(-1);
  reclaim(Number.NaN);
  reclaim(makerId + 1000);
  expect(attached.stats().db.used).toBe(3);
  reclaim(makerId);
  expect(attached.stats().db.used).toBe(0);
  for (let lives = 0; lives < 2; lives++) attachLimits(handle).tryAcquire({ db: 1 });
  expect(() => attachLimits(handle)).toThrow(TooManyThreadsError);
});

describe("a thread that dies in the middle of a transaction", () => {
  test("gives back its holdings, and its number only once it is known to have ended", () => {
    const limits = new LimitSet({ limits: [db(4)], maxThreads: 1 });
    const shared = shareLimits(limits);
    const dying = attachLimits(shared.handle);
    dying.tryAcquire({ db: 2 });
    const part = partOf(dying);
    expect(part.enter()).toBe(true);
    shared.reclaim();
    expect(limits.stats().db.used).toBe(0);
    expect(() => attachLimits(shareLimits(limits).handle)).toThrow(TooManyThreadsError);
    part.exit();
    expect(attachLimits(shareLimits(limits).handle).tryAcquire().successful).toBe(true);
  });

  test("gives back its number if it was given to shareLimits, even when it has been reclaimed before", () => {
    const limits = new LimitSet({ limits: [db(4)], maxThreads: 1 });
    for (const byHand of [false, true]) {
      const worker = new Stranger();
      const { reclaim } = shareLimits(limits, worker);
      const dying = attachLimits(worker.handle);
      dying.tryAcquire({ db: 2 });
      expect(partOf(dying).enter()).toBe(true);
      if (byHand) reclaim();
      worker.end();
      expect(limits.stats().db.used).toBe(0);
      const next = attachLimits(shareLimits(limits).handle);
      expect(() => dying.tryAcquire()).toThrow(LimitSetClosedError);
      next.close();
    }
  });

  test("gives it back also when the maker has closed, and no other number is free", () => {
    const limits = new LimitSet({ limits: [db(4)], maxThreads: 1 });
    const { handle } = shareLimits(limits);
    const worker = new Stranger();
    shareLimits(limits, worker);
    const dying = attachLimits(worker.handle);
    dying.tryAcquire({ db: 2 });
    expect(partOf(dying).enter()).toBe(true);
    limits.close();
    const last = attachLimits(handle);
    worker.end();
    expect(last.stats().db.used).toBe(0);
  });
});

test("a reclaim that finds no free number leaves it to the next thread that leaves", () => {
  const limits = new LimitSet({ limits: [db(4)], maxThreads: 2 });
  const [first, others] = [shareLimits(limits), shareLimits(limits)];
  const dying = attachLimits(first.handle);
  dying.tryAcquire({ db: 2 });
  expect(partOf(dying).enter()).toBe(true);
  const leaving = attachLimits(others.handle);
  limits.close();
  const last = attachLimits(others.handle);
  first.reclaim();
  expect(last.stats().db.used).toBe(2);
  leaving.close();
  expect(last.stats().db.used).toBe(0);
});

test("a thread that was reclaimed and lives on writes nothing into the set that has the memory now", () => {
  const make = () => new LimitSet({ limits: [db(4)], maxThreads: 1 });
  const gone = make();
  const first = shareLimits(gone);
  const late = attachLimits(first.handle);
  const lateToo = () => attachLimits(first.handle);
  const held = late.tryAcquire({ db: 2 });
  first.reclaim();
  // The number goes to another thread, which leaves by itself: then nothing of the set seems to be in use.
  const second = shareLimits(gone);
  attachLimits(second.handle).close();
  second.reclaim();
  gone.close();

  const limits = make();
  const third = shareLimits(limits);
  expect(third.handle.start, "the memory is used again").toBe(first.handle.start);
  const there = attachLimits(third.handle);
  there.tryAcquire({ db: 1 });
  const words = () =>
    Buffer.from(new Uint8Array((third.handle.memory as WebAssembly.Memory).buffer)).toString("latin1");
  const before = words();
  held.release();
  expect(() => shareLimits(late)).toThrow(LimitSetClosedError);
  expect(() => late.acquireSync({ db: 1 }, { timeoutMs: 1 })).toThrow(LimitSetClosedError);
  expect(lateToo).toThrow(InvalidHandleError);
  late.close();
  expect(words() === before).toBe(true);
  expect(limits.stats().db.used).toBe(1);
  there.close();
  limits.close();
});

test("a reclaim of a thread's earlier id does not end the thread that has its number now", () => {
  const limits = new LimitSet({ limits: [db(4)], maxThreads: 1 });
  const { handle, reclaim } = shareLimits(limits);
  attachLimits(handle).close();
  reclaim(threadId + 1);
  const next = attachLimits(handle);
  reclaim(threadId + 1);
  expect(next.tryAcquire({ db: 1 }).successful).toBe(true);
});

test("a handle that follows from a voided one is void too, whenever it was made", () => {
  const limits = new LimitSet({ limits: [db(4)] });
  const outer = new Stranger();
  const { reclaim } = shareLimits(limits, outer);
  const middle = attachLimits(outer.handle);
  const inner = new Stranger();
  shareLimits(middle, inner);
  const innermost = attachLimits(inner.handle);
  innermost.tryAcquire({ db: 2 });
  const free = shareLimits(middle);
  middle.close();
  reclaim();
  expect(limits.stats().db.used).toBe(0);
  expect(() => attachLimits(inner.handle)).toThrow(InvalidHandleError);
  expect(() => innermost.tryAcquire()).toThrow(LimitSetClosedError);
  // A handle that was not posted to a worker outlives the thread that made it.
  expect(attachLimits(free.handle).tryAcquire({ db: 1 }).successful).toBe(true);
});
