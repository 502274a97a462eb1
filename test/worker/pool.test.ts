/** Pools of several objects: which one gets a call, and what happens when one crashes. */
import { CallLimit, LimitSet, ResourceLimit } from "limitset";
import { ManualClock } from "limitset/testing";
import { WorkerCrashedError } from "limitset/worker";
import { describe, expect, onTestFinished, test } from "vitest";
import { TooBusy } from "./crew.js";
import { crew, ELSEWHERE, MODES, makeLimits } from "./pools.ts";

const id = ({ thread, process }: { thread: number; process: number }) => `${process} ${thread}`;

describe.each(ELSEWHERE)("mode %s: load balancing", (mode) => {
  test("round-robin takes turns", async () => {
    const pool = crew({ mode, maxWorkers: 3, loadBalancing: "round-robin" });
    const seen = await Promise.all(Array.from({ length: 9 }, () => pool.where()));
    const ids = seen.map(id);
    expect(new Set(ids).size).toBe(3);
    expect(ids.slice(3)).toEqual(ids.slice(0, 6));
  });

  test("least-active avoids busy objects", async () => {
    const pool = crew({ mode, maxWorkers: 2 });
    await Promise.all([pool.add(1, 1), pool.add(1, 1)]);
    const busy = pool.hold({}, 0).catch(() => {});
    await busy;
    const long = pool.sleep(300);
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) seen.add(id(await pool.where()));
    expect(seen.size).toBe(1);
    await long;
  });

  test("random reaches all objects", async () => {
    const pool = crew({ mode, maxWorkers: 2, loadBalancing: "random" });
    const seen = await Promise.all(Array.from({ length: 40 }, () => pool.where()));
    expect(new Set(seen.map(id)).size).toBe(2);
  });
});

test.each(["sync", "async"] as const)("mode %s: a pool has several objects in this thread", async (mode) => {
  const pool = crew({ mode, maxWorkers: 2, loadBalancing: "round-robin" });
  const calls = [];
  for (let i = 0; i < 4; i++) calls.push((await pool.where()).calls);
  expect(calls).toEqual([1, 1, 2, 2]);
});

const WAYS = [
  ["thread", "exit", /thread exited with code 3/],
  ["thread", "throw", /thread exited with code 1/],
  ["process", "exit", /process exited with code 3/],
  ["process", "kill", /process was ended by SIGKILL/],
] as const;

describe.each(WAYS)("mode %s, by %s: an object that crashes", (mode, how, message) => {
  test("rejects its calls, gives back what it held, and is replaced", async () => {
    const limits = makeLimits({ db: 2 });
    const pool = crew({ mode, limits, maxWorkers: 2, loadBalancing: "round-robin" });
    const before = await Promise.all([pool.where(), pool.where()]);
    const dying = pool.die(how, { db: 2 }).catch((caught) => caught);
    // The calls go round: the next goes to the other object, and the one after that to the same.
    const elsewhere = pool.add(1, 1);
    const other = pool.sleep(300).catch((caught) => caught);
    const error = await dying;
    expect(error).toBeInstanceOf(WorkerCrashedError);
    expect(error.message).toMatch(message);
    if (mode === "thread" && how === "throw") expect(error.cause).toMatchObject({ message: "fallen" });
    expect(await other).toBeInstanceOf(WorkerCrashedError);
    expect(await elsewhere).toBe(2);
    await expect.poll(() => limits.stats().db.used).toBe(0);
    const after = await Promise.all([pool.where(), pool.where()]);
    const [a, b] = before.map(id);
    const ids = after.map(id);
    expect(ids).toContain(b);
    expect(ids).not.toContain(a);
  });

  test("has its calls tried again on another object, if retryOn says so", async () => {
    const limits = new LimitSet({ limits: [new CallLimit({ capacity: 100, windowMs: 3_600_000 })] });
    const pool = crew({ mode, limits, numRetries: 2, retryWaitMs: 1, retryOn: WorkerCrashedError });
    const error = await pool.die(how, {}).catch((caught) => caught);
    expect(error).toBeInstanceOf(WorkerCrashedError);
    // It advises nothing that was done already.
    expect(error.message).not.toContain("retryOn");
    expect(error.message).toContain("find out why");
    expect(limits.stats().call_count.used).toBe(3);
    const plain = crew({ mode, limits, numRetries: 2, retryWaitMs: 1 });
    await expect(plain.die(how, {})).rejects.toThrow(WorkerCrashedError);
    expect(limits.stats().call_count.used).toBe(4);
  });
});

test("a set with its own clock is served over the channel, so that time is the same for all", async () => {
  const clock = new ManualClock();
  const limits = new LimitSet({
    limits: [new CallLimit({ capacity: 1, windowMs: 1000, algorithm: "fixed-window" })],
    clock,
  });
  const worker = crew({ mode: "thread", limits });
  await worker.keep({});
  const waiting = worker.keep({});
  await expect.poll(() => limits.waiting).toBe(1);
  await clock.advanceAsync(1000);
  expect(await waiting).toEqual({ call_count: 1 });
});

test("a set without shared memory is served over the channel", async () => {
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })], shared: false });
  const pool = crew({ mode: "thread", limits, maxWorkers: 2 });
  const held = [pool.hold({ db: 1 }, 500), pool.hold({ db: 1 }, 500)];
  await expect.poll(() => limits.waiting, { interval: 5 }).toBe(1);
  await Promise.all(held);
});

describe.each(MODES)("mode %s: many workers, few connections", (mode) => {
  test("20 workers on 10 connections never hold more than 10, and all finish although attempts fail", async () => {
    const limits = makeLimits({ db: 10 });
    const pool = crew({
      mode,
      limits,
      maxWorkers: 20,
      numRetries: 100,
      retryOn: TooBusy,
      retryWaitMs: 1,
      retryMaxWaitMs: 5,
    });
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, limits.stats().db.used);
    }, 1);
    onTestFinished(() => clearInterval(watch));
    const calls = Array.from({ length: 100 }, async (_, i) =>
      i % 3 === 0 ? pool.flaky(`${i}`, 1, { db: 1 }) : pool.hold({ db: 1 }, 5),
    );
    await Promise.all(calls);
    expect(most).toBe(10);
    const { db, call_count } = limits.stats();
    expect(db).toMatchObject({ used: 0, waiting: 0 });
    // 66 calls succeed at once, and 34 fail on each object that they reach for the first time.
    expect(call_count.used).toBeGreaterThanOrEqual(66 + 2 * 34);
  });

  test("5 workers, each with one of 5 connections, take tokens inside: no deadlock", async () => {
    const limits = makeLimits({ db: 5, tokens: 10_000 });
    const pool = crew({ mode, limits, maxWorkers: 5, loadBalancing: "round-robin" });
    const calls = Array.from({ length: 50 }, () => pool.nested(10));
    expect(await Promise.all(calls)).toHaveLength(50);
    expect(limits.stats()).toMatchObject({ db: { used: 0 }, tokens: { used: 500 } });
  });
});
