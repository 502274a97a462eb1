/** The queue of workerd, by hand; in workerd itself: test/runtimes/workerd.test.ts. */
import { describe, expect, test } from "vitest";
import type { Answer } from "../../src/core/answer.ts";
import { ManualClock } from "../../src/testing/index.ts";
import type { Gate } from "../../src/waiting/gate.ts";
import { WorkerdQueue } from "../../src/waiting/workerd-queue.ts";

/** A queue before `free` things of one kind, and one that comes back by the clock at `refillAt`. */
function set(free: number, refillAt = Number.POSITIVE_INFINITY) {
  const clock = new ManualClock(0);
  const stock = { free, refillAt };
  const probe = (now: number, demand: number): Answer => {
    if (now >= stock.refillAt) {
      stock.free++;
      stock.refillAt = Number.POSITIVE_INFINITY;
    }
    return (stock.free > demand ? now : now - stock.refillAt) as Answer;
  };
  let wait = 0;
  const ask = (demand: readonly number[] | undefined, now: number): Answer => {
    const answer = probe(now, demand?.[0] ?? 0);
    wait = Math.max(0, -answer);
    return answer;
  };
  const gate: Gate<string> = {
    clock,
    wakeWord: undefined,
    pausedFor: () => 0,
    waitedFor: () => false,
    anew: (request) => request,
    demandOf: ({ units }) => units,
    probe: (_, demand, now) => ask(demand, now),
    take: (_, demand, now) => {
      const answer = ask(demand, now);
      if (answer >= 0) stock.free--;
      return answer;
    },
    waitAt: () => wait,
    roomAt: () => Number.POSITIVE_INFINITY,
    isOverdrawn: (_, total) => total > stock.free,
    standing: (request) => request,
    begins: () => {},
    withdraw: () => {},
    grant: (_, token) => `granted at ${token}`,
    timedOut: () => {},
    aborted: () => {},
    refused: () => {},
    outlook: () => ({ limitedBy: [0], retryAfterMs: wait, knownMs: wait, ahead: 0 }),
    timeout: (_, timeoutMs) => new Error(`not within ${timeoutMs} ms`),
    full: () => new Error("full"),
    tooLong: () => new Error("too long"),
  };
  const queue = new WorkerdQueue(1, gate, { maxWaiting: undefined, agingMs: undefined });
  const order: string[] = [];
  const acquire = (name: string, options?: { timeoutMs?: number; signal?: AbortSignal }, nested = false) => {
    const request = { units: [1], covered: nested ? [true] : undefined };
    queue.acquire(request, clock.now(), options).then(
      (answer) => order.push(`${name} ${answer}`),
      (error) => order.push(`${name} ${error.message}`),
    );
  };
  const release = () => {
    stock.free++;
    queue.serve();
  };
  /** What the waiters want before a request that comes now. */
  const demand = () => queue.ask({ units: [1] }, clock.now()).demand?.[0] ?? 0;
  return { clock, queue, order, wait: acquire, release, demand };
}

describe("the queue of workerd", () => {
  test("each passes in its own turn, one release after another, in order", async () => {
    const { clock, queue, order, wait, release, demand } = set(0);
    for (const name of ["a", "b", "c"]) wait(name);
    expect([queue.lines.size, queue.lines.waitingFor(0)]).toEqual([3, 3]);
    release();
    expect(demand()).toBe(3); // Called, and not there yet.
    release();
    await clock.advanceAsync(0);
    expect(order).toEqual(["a granted at 0", "b granted at 0"]);
    release();
    await clock.advanceAsync(0);
    expect(order.at(-1)).toBe("c granted at 0");
    expect([queue.lines.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  test("the first wakes when it could pass, not before and not later", async () => {
    const { clock, queue, order, wait, demand } = set(0, 200.5);
    wait("a");
    wait("b");
    expect(demand()).toBe(2);
    await clock.advanceAsync(200);
    expect(order).toEqual([]);
    await clock.advanceAsync(0.5);
    expect(order).toEqual(["a granted at 200.5"]);
    queue.close(new Error("closed"));
    await clock.advanceAsync(0);
    expect([order.at(-1), clock.pendingTimers]).toEqual(["b closed", 0]);
  });

  test("who passes at the moment of the deadline passes; a moment later the time has run out", async () => {
    const { clock, order, wait } = set(0, 300);
    wait("a", { timeoutMs: 300 });
    wait("b", { timeoutMs: 300 });
    await clock.advanceAsync(300);
    expect(order).toEqual(["a granted at 300", "b not within 300 ms"]);
  });

  test("a nested request does not wait behind one that waits for a release", async () => {
    const { clock, order, wait, release } = set(0);
    wait("a");
    wait("nested", {}, true);
    release();
    await clock.advanceAsync(0);
    expect(order).toEqual(["a granted at 0"]);
    release();
    await clock.advanceAsync(0);
    expect(order).toEqual(["a granted at 0", "nested granted at 0"]);
  });

  test("one that has not run for long is passed; when it runs after all, it is back in its place", async () => {
    const { clock, queue, order, wait, release, demand } = set(0);
    wait("late");
    clock.set(5_000); // Its timer has rung, and it has not come to hear of it.
    wait("later");
    expect(queue.lines.size).toBe(1);
    expect(demand()).toBe(1);
    await clock.advanceAsync(0);
    expect(queue.lines.size).toBe(2);
    release();
    release();
    await clock.advanceAsync(0);
    expect(order).toEqual(["late granted at 5000", "later granted at 5000"]);
  });

  test("one that was passed, and whose signal has aborted meanwhile, leaves when it runs", async () => {
    const { clock, queue, order, wait, demand } = set(0);
    const controller = new AbortController();
    wait("late", { signal: controller.signal });
    clock.set(5_000);
    expect(demand()).toBe(0);
    controller.abort(new Error("enough"));
    await clock.advanceAsync(0);
    expect(order).toEqual(["late enough"]);
    expect([queue.lines.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  test("a clock that stands still or goes back takes nobody for gone", async () => {
    const { clock, order, wait, release, demand } = set(0);
    clock.set(10_000);
    wait("a");
    clock.set(0);
    expect(demand()).toBe(1);
    release();
    await clock.advanceAsync(0);
    expect(order).toEqual(["a granted at 0"]);
  });

  test("who waits naps, and looks no more often than it must", async () => {
    const { clock, queue, wait } = set(0);
    for (let i = 0; i < 100; i++) wait("a");
    expect(clock.pendingTimers).toBe(100);
    await clock.advanceAsync(10_000);
    expect([queue.lines.size, clock.pendingTimers]).toEqual([100, 100]);
    queue.close(new Error("closed"));
    await clock.advanceAsync(0);
    expect(clock.pendingTimers).toBe(0);
  });
});
