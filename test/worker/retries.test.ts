/** Retries: when another attempt follows, how long it waits, and that nothing is held in the meantime. */
import { setTimeout as sleep } from "node:timers/promises";
import { AcquireTimeoutError, CallLimit, LimitError, LimitSet, ResourceLimit } from "limitset";
import { ManualClock } from "limitset/testing";
import {
  type AttemptInfo,
  ResultNotAcceptedError,
  type RetryOn,
  Worker,
  type WorkerOptions,
  WorkerStoppedError,
} from "limitset/worker";
import { afterEach, describe, expect, test, vi } from "vitest";
import { TooBusy } from "./crew.js";
import { crew, MODES, makeLimits, stopped } from "./pools.ts";

afterEach(() => void vi.restoreAllMocks());

/** A class for this thread and a clock that is moved by hand. It counts its attempts. */
class Fragile extends Worker {
  readonly attempts: string[] = [];

  constructor(
    private readonly clock: ManualClock,
    private readonly since = clock.now(),
  ) {
    super();
  }

  /** Fails with these errors, one an attempt, then returns the number of attempts. */
  async work(...errors: unknown[]) {
    this.attempts.push(`${this.clock.now() - this.since}`);
    if (this.attempts.length <= errors.length) throw errors[this.attempts.length - 1];
    return this.attempts.length;
  }

  /** Acquires, and fails after a time. */
  async holdAndFail(ms: number) {
    this.attempts.push("began");
    await this.limits.acquire();
    await new Promise<void>((resolve) => this.clock.setTimeout(resolve, ms));
    throw new TooBusy("held", 429);
  }

  async acquire(timeoutMs: number) {
    this.attempts.push("asked");
    (await this.limits.acquire({}, { timeoutMs })).release();
    return this.attempts.length;
  }

  times() {
    return this.attempts;
  }

  async other(...errors: unknown[]) {
    return await this.work(...errors);
  }
}

function fragile(options: Omit<WorkerOptions<Fragile, "sync">, "mode">) {
  const clock = new ManualClock();
  const worker = stopped(
    Fragile.options({ clock, retryJitter: 0, retryWaitMs: 100, ...options }).init(clock),
  );
  return { clock, worker };
}

const busy = () => new TooBusy("busy", 429);
const late = () => new AcquireTimeoutError(1, []);

describe("when there is another attempt", () => {
  test("without numRetries there is none", async () => {
    const { worker } = fragile({});
    await expect(worker.work(busy())).rejects.toThrow("busy");
  });

  test("there are numRetries more, with waits between, and then the last error", async () => {
    const { worker, clock } = fragile({ numRetries: 3 });
    const last = new RangeError("last");
    const done = worker.work(busy(), busy(), busy(), last).catch((error) => error);
    await clock.advanceAsync(10_000);
    expect(await done).toBe(last);
    expect(await worker.times()).toEqual(["0", "100", "300", "700"]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("there is none after a success", async () => {
    const { worker, clock } = fragile({ numRetries: 5, retryAlgorithm: "linear" });
    const done = worker.work(busy(), "a string", undefined);
    await clock.advanceAsync(10_000);
    expect(await done).toBe(4);
    expect(await worker.times()).toEqual(["0", "100", "300", "600"]);
  });

  const cases: [string, RetryOn | readonly RetryOn[], unknown, boolean][] = [
    ["a class", TooBusy, busy(), true],
    ["a class it extends", Error, busy(), true],
    ["another class", RangeError, busy(), false],
    ["one of several", [RangeError, TooBusy], busy(), true],
    ["a predicate", (error) => (error as TooBusy).status === 429, busy(), true],
    ["a predicate that says no", (error) => (error as TooBusy).status === 503, busy(), false],
    ["a promise of yes", async () => true, busy(), true],
    ["a mix", [RangeError, (error) => error === "odd"], "odd", true],
    ["a limit's error and no class", [], late(), false],
    ["a limit's error and Error", Error, late(), false],
    ["a limit's error and its class", AcquireTimeoutError, late(), true],
    ["a limit's error and LimitError", [RangeError, LimitError], late(), true],
    ["a limit's error and a predicate", () => true, late(), true],
  ];
  test.each(cases)("%s", async (_, retryOn, error, again) => {
    const { worker, clock } = fragile({ numRetries: 1, retryOn });
    const done = worker.work(error).catch((caught) => caught);
    await clock.advanceAsync(1_000);
    expect(await done).toBe(again ? 2 : error);
  });

  test("a predicate gets the error, the attempt, the time since the first and the method", async () => {
    const seen: [unknown, AttemptInfo][] = [];
    const { worker, clock } = fragile({ numRetries: 2, retryOn: (...args) => seen.push(args) > 0 });
    const errors = [busy(), busy(), busy()];
    const done = worker.work(...errors).catch((error) => error);
    await clock.advanceAsync(1_000);
    expect(await done).toBe(errors[2]);
    expect(seen).toEqual([
      [errors[0], { method: "work", attempt: 1, elapsedMs: 0 }],
      [errors[1], { method: "work", attempt: 2, elapsedMs: 100 }],
    ]);
  });

  test("a predicate that throws ends the call with its error", async () => {
    const { worker } = fragile({
      numRetries: 2,
      retryOn: () => {
        throw new Error("no idea");
      },
    });
    await expect(worker.work(busy())).rejects.toThrow("no idea");
  });

  test("another follows while retryUntil does not accept the result", async () => {
    const enough = (least: number) => (result: unknown) => (result as number) >= least;
    const { worker, clock } = fragile({ numRetries: 4, retryUntil: [enough(2), enough(3)] });
    const done = worker.work();
    await clock.advanceAsync(10_000);
    expect(await done).toBe(3);
    const { worker: never, clock: other } = fragile({ numRetries: 2, retryUntil: () => false });
    const failed = never.work().catch((error) => error);
    await other.advanceAsync(10_000);
    const error = await failed;
    expect(error).toBeInstanceOf(ResultNotAcceptedError);
    expect(error).toMatchObject({ code: "ERR_RESULT_NOT_ACCEPTED", attempts: 3, result: 3 });
    expect(error.message).toBe("retryUntil accepted no result of work() in 3 attempts, the last being 3");
  });

  test("methods may have their own retry options", async () => {
    const { worker, clock } = fragile({
      numRetries: 1,
      methods: { work: { numRetries: 3, retryWaitMs: 10 } },
    });
    const done = worker.work(busy(), busy(), busy());
    await clock.advanceAsync(70);
    expect(await done).toBe(4);
    const { worker: plain, clock: other } = fragile({ numRetries: 1, methods: { work: { numRetries: 3 } } });
    const failed = plain.other(busy(), busy(), busy()).catch((error) => error);
    await other.advanceAsync(10_000);
    expect(await failed).toBeInstanceOf(TooBusy);
  });

  test("an inner call is part of the attempt, and is not tried again by itself", async () => {
    const { worker, clock } = fragile({ numRetries: 2 });
    const failed = worker.other(busy(), busy(), busy(), busy(), busy()).catch((error) => error);
    await clock.advanceAsync(10_000);
    expect(await failed).toBeInstanceOf(TooBusy);
    expect(await worker.times()).toHaveLength(3);
  });
});

describe("the end of a call", () => {
  test("by the signal of the options, at once while it waits", async () => {
    const controller = new AbortController();
    const { worker, clock } = fragile({ numRetries: 5, signal: controller.signal });
    const failed = worker.work(busy(), busy()).catch((error) => error);
    await clock.advanceAsync(50);
    controller.abort(new Error("enough"));
    expect(await failed).toMatchObject({ message: "enough" });
    expect(clock.pendingTimers).toBe(0);
    await expect(worker.times()).rejects.toThrow("enough");
  });

  test("by a signal among the arguments, for that call alone", async () => {
    const controller = new AbortController();
    const { worker, clock } = fragile({ numRetries: 5 });
    const failed = worker.work(busy(), { signal: controller.signal }).catch((error) => error);
    await clock.advanceAsync(50);
    controller.abort(new Error("enough"));
    expect(await failed).toMatchObject({ message: "enough" });
    expect(await worker.times()).toEqual(["0"]);
  });

  test("by a signal: an attempt under way is the last, and keeps what it holds until its end", async () => {
    const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
    const controller = new AbortController();
    const { worker, clock } = fragile({ numRetries: 5, limits, signal: controller.signal });
    const failed = worker.holdAndFail(1_000).catch((error) => error);
    await clock.advanceAsync(500);
    controller.abort(new Error("enough"));
    expect(limits.stats().db.used).toBe(1);
    await clock.advanceAsync(500);
    expect(await failed).toMatchObject({ message: "enough" });
    expect(limits.stats().db.used).toBe(0);
  });

  test("by a signal: a wait for a limit ends", async () => {
    const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
    const controller = new AbortController();
    const { worker } = fragile({ numRetries: 5, limits, signal: controller.signal });
    using _ = limits.tryAcquire();
    const failed = worker.acquire(1_000).catch((error) => error);
    await sleep(1);
    expect(limits.waiting).toBe(1);
    controller.abort(new Error("enough"));
    expect(await failed).toMatchObject({ message: "enough" });
    expect(limits.waiting).toBe(0);
  });

  test("many calls with one signal put one listener on it", async () => {
    const { signal } = new AbortController();
    const listen = vi.spyOn(signal, "addEventListener");
    const { worker, clock } = fragile({ numRetries: 1, signal });
    const done = Array.from({ length: 100 }, () => worker.work(busy()));
    await clock.advanceAsync(1_000);
    await Promise.all(done);
    expect(listen).toHaveBeenCalledTimes(1);
  });

  test("by stop(), when its timeoutMs is over", async () => {
    const { worker, clock } = fragile({ numRetries: 5, retryWaitMs: 1_000 });
    const failed = worker.work(busy(), busy()).catch((error) => error);
    const end = worker.stop({ timeoutMs: 100 });
    await clock.advanceAsync(100);
    expect(await failed).toBeInstanceOf(WorkerStoppedError);
    await end;
    expect(clock.pendingTimers).toBe(0);
  });
});

describe.each(MODES)("mode %s: limits and retries", (mode) => {
  const quick = { retryWaitMs: 1, retryOn: TooBusy } as const;

  test("each attempt acquires anew, and a failed one has released everything before the wait", async () => {
    const limits = makeLimits({ db: 2 });
    const worker = crew({ mode, limits, numRetries: 3, retryOn: TooBusy, retryWaitMs: 200, retryJitter: 0 });
    await worker.add(1, 1);
    const done = worker.stumble("a", 2);
    const taken = () => {
      const { tokens, db } = limits.stats();
      return { tokens: tokens.used, db: db.used, waiting: db.waiting };
    };
    // It waits: nothing is held.
    await expect.poll(taken, { interval: 5 }).toEqual({ tokens: 8, db: 0, waiting: 0 });
    limits.tryAcquire({ db: 2 }).release();
    const error = await done.catch((caught) => caught);
    // The last attempt forgets an update.
    expect(error).toMatchObject({ name: "UsageNotReportedError" });
    expect(limits.stats()).toMatchObject({ db: { used: 0, waiting: 0 }, tokens: { used: 24 } });
  });

  test("a CallLimit counts every attempt", async () => {
    const limits = new LimitSet({ limits: [new CallLimit({ capacity: 10, windowMs: 3_600_000 })] });
    const worker = crew({ mode, limits, numRetries: 3, ...quick });
    expect(await worker.flaky("a", 2)).toBe(3);
    expect(limits.stats().call_count.used).toBe(3);
    expect(await worker.outer("b", 3)).toBe(4);
    expect(await worker.attemptsOf("b, outside")).toBe(4);
    expect(limits.stats().call_count.used).toBe(7);
  });

  test("after a timeout there is no further attempt, unless retryOn names it", async () => {
    const limits = makeLimits({ db: 1 });
    using _ = limits.tryAcquire({ db: 1 });
    const worker = crew({ mode, limits, numRetries: 2, retryWaitMs: 1 });
    await expect(worker.wait(0)).rejects.toThrow(AcquireTimeoutError);
    expect(await worker.attemptsOf("wait")).toBe(1);
    const stubborn = crew({ mode, limits, numRetries: 2, retryWaitMs: 1, retryOn: [AcquireTimeoutError] });
    await expect(stubborn.wait(0)).rejects.toThrow(AcquireTimeoutError);
    expect(await stubborn.attemptsOf("wait")).toBe(3);
  });

  test("predicates get errors of their own classes", async () => {
    const seen: unknown[] = [];
    const worker = crew({ mode, numRetries: 2, retryWaitMs: 1, retryOn: (error) => seen.push(error) > 0 });
    await expect(worker.fail("TooBusy")).rejects.toThrow(TooBusy);
    expect(seen).toMatchObject([{ status: 429 }, { status: 429 }]);
    expect(seen.every((error) => error instanceof TooBusy)).toBe(true);
  });
});
