import { expect } from "vitest";
import { AcquireTimeoutError, InvalidRequestError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { calls, failure, rate, resource, states, take, used, watch } from "../tools.ts";

const LIMITS = [rate("tokens", 10, 60_000), resource("db", 1)] as const;

export const timeouts: Theme = ({ it }) => {
  it("a request with a timeout of 0 is granted if there is room", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 10 }, { timeoutMs: 0 });
    expect(acq.requested).toEqual({ tokens: 10, db: 1 });
  });

  it("a request with a timeout of 0 rejects at once if there is no room", async (create) => {
    const { limits, settle } = await create(LIMITS);
    await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ tokens: 10 }, { timeoutMs: 0 }));
    await settle();
    expect(waiter.reason).toBeInstanceOf(AcquireTimeoutError);
    expect(await used(limits)).toEqual({ tokens: 0, db: 1 });
  });

  it("a request with a timeout of 0 sets no timer", ["timers"], async (create) => {
    const { limits, clock } = await create(LIMITS);
    await take(limits, { tokens: 10 });
    await failure(() => limits.acquire({ tokens: 1 }, { timeoutMs: 0 }));
    expect(clock.timersSet).toBe(0);
  });

  it("a request with a timeout of 0 does not overtake a waiter", async (create) => {
    const { limits, settle } = await create([rate("tokens", 10, 60_000)]);
    await take(limits, { tokens: 5 });
    const large = watch(limits.acquire({ tokens: 10 }));
    await settle();
    expect(await failure(() => limits.acquire({ tokens: 1 }, { timeoutMs: 0 }))).toBeInstanceOf(
      AcquireTimeoutError,
    );
    expect(large.state).toBe("pending");
  });

  it("a request with a timeout of 100 ms rejects after 100 ms, not before, and takes nothing", async (create) => {
    const { limits, clock } = await create(LIMITS);
    const holder = await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ tokens: 10 }, { timeoutMs: 100 }));
    await clock.advance(99);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.reason).toBeInstanceOf(AcquireTimeoutError);
    expect(waiter.reason).toMatchObject({ name: "TimeoutError", timeoutMs: 100, limitedBy: ["db"] });
    expect((waiter.reason as Error).message).toContain('"db"');
    await holder.release();
    expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
  });

  it("a grant ends the timeout of its request", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    const waiter = watch(limits.acquire({ x: 1 }, { timeoutMs: 200 }));
    await clock.advance(100);
    expect(waiter.state).toBe("granted");
    await clock.advance(1000);
    expect(waiter.state).toBe("granted");
    expect(await used(limits)).toEqual({ x: 0 });
  });

  it("a request with an infinite timeout waits for as long as it takes", async (create) => {
    const { limits, clock, settle } = await create([resource("db", 1)]);
    const holder = await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { timeoutMs: Number.POSITIVE_INFINITY }));
    await clock.advance(365 * 86_400_000);
    expect(waiter.state).toBe("pending");
    await holder.release();
    await settle();
    expect(waiter.state).toBe("granted");
  });

  for (const timeoutMs of [-1, Number.NaN, Number.NEGATIVE_INFINITY]) {
    it(`a timeout of ${timeoutMs} is an error, even if the request could be granted`, async (create) => {
      const { limits } = await create(LIMITS);
      const error = await failure(() => limits.acquire({ tokens: 1 }, { timeoutMs }));
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error.message).toContain("timeoutMs");
      expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
    });
  }

  it("run waits no longer than its timeout", async (create) => {
    const { limits } = await create(LIMITS);
    await take(limits, { db: 1 });
    let ran = false;
    const running = limits.run(
      { tokens: 1 },
      async () => {
        ran = true;
      },
      { timeoutMs: 0 },
    );
    expect(await failure(() => running)).toBeInstanceOf(AcquireTimeoutError);
    expect(ran).toBe(false);
  });

  it("the next waiter of a line moves up when the first one times out", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 60_000)]);
    await take(limits, { x: 5 });
    const large = watch(limits.acquire({ x: 10 }, { timeoutMs: 100 }));
    const small = watch(limits.acquire({ x: 1 }));
    await clock.advance(99);
    expect(states([large, small])).toEqual(["pending", "pending"]);
    await clock.advance(1);
    expect(states([large, small])).toEqual(["rejected", "granted"]);
  });

  it("an aborted waiter rejects with the signal's reason, and the next waiter moves up", async (create) => {
    const { limits, settle } = await create([rate("x", 10, 60_000)]);
    await take(limits, { x: 5 });
    const controller = new AbortController();
    const large = watch(limits.acquire({ x: 10 }, { signal: controller.signal }));
    const small = watch(limits.acquire({ x: 1 }));
    await settle();
    expect(states([large, small])).toEqual(["pending", "pending"]);
    const reason = new Error("enough");
    controller.abort(reason);
    await settle();
    expect(large.reason).toBe(reason);
    expect(small.state).toBe("granted");
    expect(await used(limits)).toEqual({ x: 6 });
  });

  it("a request whose signal is aborted already rejects even if there is room, and takes nothing", async (create) => {
    const { limits, settle } = await create(LIMITS);
    const reason = { not: "even an error" };
    const waiter = watch(limits.acquire({ tokens: 1 }, { signal: AbortSignal.abort(reason) }));
    await settle();
    expect(waiter.reason).toBe(reason);
    expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
  });

  it("an abort after the grant changes nothing", async (create) => {
    const { limits, settle } = await create(LIMITS);
    const controller = new AbortController();
    const acq = await limits.acquire({ tokens: 1 }, { signal: controller.signal });
    controller.abort();
    await settle();
    expect(acq.successful).toBe(true);
    expect(await used(limits)).toEqual({ tokens: 1, db: 1 });
  });

  it("a waiter that is aborted without a reason rejects with an AbortError", async (create) => {
    const { limits, settle } = await create(LIMITS);
    await take(limits, { db: 1 });
    const controller = new AbortController();
    const waiter = watch(limits.acquire({ tokens: 1 }, { signal: controller.signal }));
    await settle();
    controller.abort();
    await settle();
    expect(waiter.reason).toMatchObject({ name: "AbortError" });
  });

  it("run does not call its body if its signal aborts between the grant and the body, and gives everything back", async (create) => {
    const { limits, settle } = await create([...LIMITS, calls(5, 60_000)]);
    const holder = await take(limits, { db: 1, call_count: 0 });
    const controller = new AbortController();
    const { signal } = controller;
    let ran = false;
    const run = () =>
      limits.run(
        { tokens: 5 },
        () => {
          ran = true;
        },
        { signal },
      );
    const waiter = watch(run());
    await settle();
    const released = holder.release();
    controller.abort("enough");
    await released;
    await settle();
    expect(waiter.reason).toBe("enough");
    expect(ran).toBe(false);
    expect(await used(limits)).toEqual({ tokens: 0, db: 0, call_count: 0 });
  });

  it("run does not call its body if its signal aborts in the turn of the grant", async (create) => {
    const { limits, settle } = await create([...LIMITS, calls(5, 60_000)]);
    const controller = new AbortController();
    let ran = false;
    const running = watch(
      limits.run(
        { tokens: 5 },
        () => {
          ran = true;
        },
        { signal: controller.signal },
      ),
    );
    controller.abort("enough");
    await settle();
    expect(running.reason).toBe("enough");
    expect(ran).toBe(false);
    expect(await used(limits)).toEqual({ tokens: 0, db: 0, call_count: 0 });
  });

  it("run ends its wait when its signal aborts", async (create) => {
    const { limits, settle } = await create(LIMITS);
    await take(limits, { db: 1 });
    const controller = new AbortController();
    const running = watch(limits.run({ tokens: 1 }, async () => "ran", { signal: controller.signal }));
    await settle();
    controller.abort(new Error("enough"));
    await settle();
    expect(running.reason).toMatchObject({ message: "enough" });
  });
};
