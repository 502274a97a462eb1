/** What is the same in every mode: values, errors, limits, and the release of all acquisitions at the end of a call. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AcquireTimeoutError, LimitError, LimitSet, ResourceLimit, UsageNotReportedError } from "limitset";
import { connectLimits, serveLimits } from "limitset/port";
import { CannotCrossError, Worker, WorkerStoppedError } from "limitset/worker";
import { describe, expect, onTestFinished, test } from "vitest";
import { TooBusy } from "./crew.js";
import { crew, ELSEWHERE, MODES, makeLimits } from "./pools.ts";

/** The path of a file that is not there yet. */
function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "limitset-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "file");
}

describe.each(MODES)("mode %s", (mode) => {
  test("methods return promises of their results, and run on one object", async () => {
    const worker = crew({ mode }, "Ada");
    const sum = worker.add(2, 3);
    expect(sum).toBeInstanceOf(Promise);
    expect(await sum).toBe(5);
    await worker.where();
    expect(await worker.where()).toMatchObject({ name: "Ada", calls: 2 });
  });

  test("values arrive unchanged", async () => {
    const worker = crew({ mode });
    const value = {
      at: new Date(5),
      map: new Map([[1, new Set([2])]]),
      bytes: new Uint8Array([1, 2]),
      big: 5n,
    };
    expect(await worker.echo(value)).toEqual(value);
    expect(await worker.echo(undefined)).toBe(undefined);
  });

  test("errors arrive with class, message, stack, cause and fields", async () => {
    const worker = crew({ mode });
    const error = await worker.fail("TooBusy").catch((caught) => caught);
    expect(error).toBeInstanceOf(TooBusy);
    expect(error).toMatchObject({ name: "Error", message: "later", status: 429, again: true });
    expect(error.stack).toMatch(/later[\s\S]*crew\.js/);
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.cause).toMatchObject({ message: "too far", cause: "the wind" });
    await expect(worker.fail("TypeError")).rejects.toThrow(new TypeError("not that"));
    await expect(worker.fail("string")).rejects.toBe("a string");
    await expect(worker.fail("undefined")).rejects.toBe(undefined);
    const several = await worker.fail("AggregateError").catch((caught) => caught);
    expect(several).toBeInstanceOf(AggregateError);
    expect(several.errors).toMatchObject([{ status: 1 }, { message: "too far" }]);
    expect(several.errors[0]).toBeInstanceOf(TooBusy);
    await expect(worker.fail("DOMException")).rejects.toMatchObject({
      name: "AbortError",
      message: "enough",
    });
    const odd = await worker.fail("Odd").catch((caught) => caught);
    expect(odd).toBeInstanceOf(TooBusy);
    expect(odd).toMatchObject({ message: "odd", at: new Date(0) });
    await expect(worker.fail("circle")).rejects.toThrow("round");
  });

  test("without limits, this.limits is the empty set", async () => {
    const worker = crew({ mode });
    expect(await worker.keys()).toEqual([]);
    expect(await worker.keep()).toEqual({});
  });

  test("methods take from the set that the worker was given", async () => {
    const limits = makeLimits();
    const worker = crew({ mode, limits });
    expect(await worker.keys()).toEqual(["db", "tokens", "call_count"]);
    const held = worker.hold({ db: 2, tokens: 10 }, 400);
    await expect.poll(() => limits.stats().db.used, { interval: 10 }).toBe(2);
    await held;
    expect(limits.stats()).toMatchObject({ db: { used: 0 }, tokens: { used: 10 }, call_count: { used: 1 } });
    expect(await worker.used("tokens")).toBe(10);
  });

  test("a worker waits for the program, and the program for the worker", async () => {
    const limits = makeLimits({ db: 1 });
    const worker = crew({ mode, limits });
    const mine = await limits.acquire({ db: 1 });
    const theirs = worker.hold({ db: 1 }, 200);
    await sleep(20);
    mine.release();
    await expect.poll(() => limits.stats().db.used, { interval: 5 }).toBe(1);
    (await limits.acquire({ db: 1 })).release();
    expect(await theirs).toEqual({ db: 1, call_count: 1 });
  });

  test("requests of methods have priorities and bounds, and tell how long they waited", async () => {
    const limits = makeLimits({ db: 1 });
    const worker = crew({ mode, limits });
    const mine = limits.tryAcquire({ db: 1, tokens: 1000 });
    await expect(worker.ask({ db: 0, tokens: 1 }, { maxWaitMs: 1000 })).rejects.toMatchObject({
      name: "WaitTooLongError",
      code: "ERR_WAIT_TOO_LONG",
      limitedBy: ["tokens"],
      maxWaitMs: 1000,
      ahead: 0,
    });
    await expect(worker.ask({ db: 1 }, { timeoutMs: 0 })).rejects.toMatchObject({
      name: "TimeoutError",
      limitedBy: ["db"],
      retryAfterMs: Number.POSITIVE_INFINITY,
    });
    const order: number[] = [];
    const asked = [0, 1].map((priority) =>
      worker.ask({ db: 1 }, { priority }).then(({ waitedMs, ahead }) => {
        order.push(priority);
        return [waitedMs > 0, ahead];
      }),
    );
    // Both stand in the line once this is answered.
    expect(await worker.used("db")).toBe(1);
    mine.update({ tokens: 1000 });
    mine.release();
    expect(await Promise.all(asked)).toEqual([
      [true, 0],
      [true, 0],
    ]);
    expect(order).toEqual([1, 0]);
  });

  test("methods peek, and code that a call leaves running cannot", async () => {
    const limits = makeLimits({ db: 1 });
    const worker = crew({ mode, limits });
    const free = { successful: true, retryAfterMs: 0, limitedBy: [], ahead: 0 };
    expect(await worker.peek({ db: 1 })).toEqual(free);
    expect(limits.stats().db.used).toBe(0);
    using _ = await limits.acquire({ db: 1 });
    expect(await worker.peek({ db: 1 })).toMatchObject({
      successful: false,
      retryAfterMs: Number.POSITIVE_INFINITY,
      limitedBy: ["db"],
    });
    await worker.peekLater();
    await expect.poll(() => worker.attemptsOf("ERR_CALL_ENDED")).toBe(1);
  });

  test("methods take from a set that is remote itself", async () => {
    const limits = makeLimits({ db: 1 });
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    serveLimits(limits, port1);
    const connected = connectLimits(port2);
    const worker = crew({ mode, limits: connected });
    expect(await worker.hold({ db: 1, tokens: 10 })).toEqual({ db: 1, tokens: 10, call_count: 1 });
    await expect(worker.forget({ tokens: 5, db: 1 })).rejects.toThrow(UsageNotReportedError);
    expect(await worker.used("tokens")).toBe(15);
    expect(limits.stats().db.used).toBe(0);
    await worker.stop();
  });

  test("acquisitions that a method forgets are released when its call ends", async () => {
    const limits = makeLimits();
    const worker = crew({ mode, limits });
    expect(await worker.keep({ db: 2 })).toEqual({ db: 2, call_count: 1 });
    expect(limits.stats().db.used).toBe(0);
  });

  test("a method that forgets update() rejects, and its acquisitions are released", async () => {
    const limits = makeLimits();
    const worker = crew({ mode, limits });
    for (const call of [() => worker.forget({ tokens: 5, db: 2 }), () => worker.keep({ tokens: 5, db: 2 })]) {
      const error = await call().catch((caught) => caught);
      expect(error).toBeInstanceOf(UsageNotReportedError);
      expect(error).toMatchObject({
        name: "UsageNotReportedError",
        code: "ERR_USAGE_NOT_REPORTED",
        keys: ["tokens"],
      });
      expect(limits.stats().db.used).toBe(0);
    }
    expect(limits.stats().tokens.used).toBe(10);
  });

  test("a failed call has released everything when it rejects, nested and inner calls included, and waits no more", async () => {
    const limits = makeLimits({ db: 2 });
    const worker = crew({ mode, limits });
    await expect(worker.stumble("once", 1)).rejects.toThrow("attempt 1");
    expect(limits.stats()).toMatchObject({ db: { used: 0, waiting: 0 }, tokens: { used: 8 } });
    const all = await limits.acquire({ db: 2 }, { timeoutMs: 0 });
    all.release();
  });

  test("code that a call leaves running cannot take limits", async () => {
    const limits = makeLimits();
    const worker = crew({ mode, limits });
    await worker.leave();
    await expect.poll(() => worker.attemptsOf("ERR_CALL_ENDED")).toBe(1);
    expect(limits.stats().db.used).toBe(0);
  });

  test("a timeout is the usual error", async () => {
    const limits = makeLimits({ db: 1 });
    const worker = crew({ mode, limits });
    using _ = await limits.acquire({ db: 1 });
    const error = await worker.wait(5).catch((caught) => caught);
    expect(error).toBeInstanceOf(AcquireTimeoutError);
    expect(error).toBeInstanceOf(LimitError);
    expect(error).toMatchObject({ name: "TimeoutError", timeoutMs: 5 });
  });

  test("signals among the arguments reach the method, and end its waits", async () => {
    const limits = makeLimits({ db: 1 });
    const worker = crew({ mode, limits });
    await worker.add(1, 1); // It has started.
    const controller = new AbortController();
    const told = worker.until("ended by", { signal: controller.signal });
    const late = new AbortController();
    late.abort(new Error("too late"));
    await expect(worker.sleep(1, late.signal)).rejects.toThrow("too late");
    await sleep(50);
    controller.abort();
    expect(await told).toBe("ended by: AbortError");
    expect(await worker.sleep(1, new AbortController().signal)).toBe(false);
  });

  test("of a list of limits each worker has a set of its own", async () => {
    const list = [new ResourceLimit({ key: "db", capacity: 1 })];
    const one = crew({ mode, limits: list });
    const other = crew({ mode, limits: list });
    const both = [one.hold({ db: 1 }, 300), other.hold({ db: 1 }, 300)];
    await expect.poll(() => one.used("db")).toBe(1);
    await expect.poll(() => other.used("db")).toBe(1);
    await Promise.all(both);
  });

  test("of a list of limits a pool has one set", async () => {
    const limits = [new ResourceLimit({ key: "db", capacity: 1 })];
    const pool = crew({ mode, limits, maxWorkers: 3, loadBalancing: "round-robin" });
    await Promise.all([pool.add(0, 0), pool.add(0, 0), pool.add(0, 0)]);
    const held = pool.hold({ db: 1 }, 200);
    await expect.poll(() => pool.used("db")).toBe(1);
    for (let i = 0; i < 3; i++) expect(await pool.used("db")).toBe(1);
    await held;
  });

  test("after stop() calls reject; a set that was given stays open, and one made from a list is closed", async () => {
    const limits = makeLimits();
    const worker = crew({ mode, limits });
    const running = worker.hold({ db: 1 }, 30);
    const end = worker.stop();
    await expect(worker.add(1, 1)).rejects.toThrow(WorkerStoppedError);
    await expect(running).resolves.toEqual({ db: 1, call_count: 1 });
    await end;
    await worker.stop();
    await expect(worker.add(1, 1)).rejects.toMatchObject({ code: "ERR_WORKER_STOPPED" });
    expect(limits.stats().db.used).toBe(0);
    limits.tryAcquire({ db: 1 }).release();
  });

  test("stop() lets the object clean up while its limits are open, for no longer than timeoutMs", async () => {
    const limits = makeLimits();
    const file = temporary();
    const worker = crew({ mode, limits }, file);
    await worker.add(1, 1);
    await worker.stop();
    expect(readFileSync(file, "utf8")).toBe("db,tokens,call_count\n");
    const clingy = crew({ mode, limits }, "clingy");
    await clingy.add(1, 1);
    await clingy.stop({ timeoutMs: 20 });
    const clumsy = crew({ mode, limits }, "clumsy");
    await clumsy.add(1, 1);
    await expect(clumsy.stop()).rejects.toThrow(TooBusy);
  });

  test("a call that runs longer than stop() waits rejects, and holds nothing in the end", async () => {
    const limits = makeLimits();
    const worker = crew({ mode, limits });
    const running = worker.keep({ db: 1 }, 400).catch((caught) => caught);
    const waiting = worker.keep({ db: 2 }).catch((caught) => caught);
    await expect.poll(() => limits.stats().db.used).toBe(1);
    await worker.stop({ timeoutMs: 20 });
    expect(await running).toBeInstanceOf(WorkerStoppedError);
    expect(await waiting).toBeInstanceOf(WorkerStoppedError);
    await expect.poll(() => limits.stats().db.used).toBe(0);
  });

  test("`await using` stops the worker", async () => {
    let worker: ReturnType<typeof crew>;
    {
      await using scoped = crew({ mode });
      worker = scoped;
      expect(await scoped.add(1, 2)).toBe(3);
    }
    await expect(worker.add(1, 2)).rejects.toThrow(WorkerStoppedError);
  });
});

describe("the place and time of a method", () => {
  test('"sync": in the call; "async": on a later turn', async () => {
    const sync = crew({ mode: "sync", limits: makeLimits() });
    const async = crew({ mode: "async", limits: makeLimits() });
    const seen: string[] = [];
    const calls = [async.tell(() => seen.push("async")), sync.tell(() => seen.push("sync"))];
    seen.push("called");
    queueMicrotask(() => seen.push("microtask"));
    await Promise.all(calls);
    expect(seen).toEqual(["sync", "called", "microtask", "async"]);
  });

  test("on a thread, in a process, or here", async () => {
    const [sync, thread, process_] = await Promise.all([
      crew({ mode: "sync" }).where(),
      crew({ mode: "thread" }).where(),
      crew({ mode: "process" }).where(),
    ]);
    expect(sync.process).toBe(process.pid);
    expect(thread.process).toBe(process.pid);
    expect(thread.thread).not.toBe(sync.thread);
    expect(process_.process).not.toBe(process.pid);
  });
});

describe.each(ELSEWHERE)("mode %s: a value that cannot cross", (mode) => {
  test("rejects with a clear error, and the worker goes on", async () => {
    const worker = crew({ mode });
    const error = await worker.echo({ deep: [() => {}] }).catch((caught) => caught);
    expect(error).toBeInstanceOf(CannotCrossError);
    expect(error.message).toMatch(/an argument of echo\(\) cannot cross threads: .*could not be cloned/);
    const result = await worker.function().catch((caught: unknown) => caught);
    expect(result).toBeInstanceOf(CannotCrossError);
    expect((result as Error).message).toContain("the result");
    expect(await worker.add(1, 2)).toBe(3);
  });

  test("an error of the constructor rejects the calls; the next call tries again", async () => {
    const file = temporary();
    const worker = crew({ mode }, `late ${file}`);
    for (let i = 0; i < 2; i++) {
      const error = await worker.add(1, 2).catch((caught) => caught);
      expect(error).toBeInstanceOf(TooBusy);
      expect(error).toMatchObject({ message: "no more come in", status: 503 });
    }
    writeFileSync(file, "");
    expect(await worker.add(1, 2)).toBe(3);
  });

  test("constructor arguments that cannot cross reject the calls", async () => {
    const worker = crew({ mode }, (() => {}) as never);
    await expect(worker.add(1, 2)).rejects.toThrow(
      /an argument of the constructor of Crew cannot cross threads/,
    );
  });
});

test.each(["sync", "async"] as const)("mode %s: run within run of this.limits is reported", async (mode) => {
  const warnings: LimitError[] = [];
  const limits = new LimitSet({
    limits: [new ResourceLimit({ key: "db", capacity: 1 })],
    onWarning: (warning) => warnings.push(warning),
  });
  class Nester extends Worker {
    async nest(): Promise<void> {
      await this.limits.run({ db: 1 }, () => {
        void this.limits.run({ db: 1 }, () => {}).catch(() => {});
      });
    }
  }
  const pool = Nester.options({ mode, limits }).init();
  await pool.nest();
  await pool.stop();
  expect(warnings.map(({ code }) => code)).toEqual(["ERR_DEADLOCK"]);
});
