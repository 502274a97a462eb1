import { expect } from "vitest";
import { AcquireTimeoutError, InvalidRequestError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure, rate, resource, states, take, used, watch } from "../tools.ts";

const LIMITS = [rate("tokens", 10, 60_000), resource("db", 1)] as const;

export const timeouts: Theme = ({ it }) => {
  it("a timeout of 0 tries once: with room it is granted", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 10 }, { timeoutMs: 0 });
    expect(acq.requested).toEqual({ tokens: 10, db: 1 });
  });

  it("a timeout of 0 tries once: without room it rejects at once", async (create) => {
    const { limits, settle } = await create(LIMITS);
    await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ tokens: 10 }, { timeoutMs: 0 }));
    await settle();
    expect(waiter.reason).toBeInstanceOf(AcquireTimeoutError);
    expect(await used(limits)).toEqual({ tokens: 0, db: 1 });
  });

  it("a timeout of 0 sets no timer", ["timers"], async (create) => {
    const { limits, clock } = await create(LIMITS);
    await take(limits, { tokens: 10 });
    await failure(() => limits.acquire({ tokens: 1 }, { timeoutMs: 0 }));
    expect(clock.timersSet).toBe(0);
  });

  it("a timeout of 0 does not overtake a waiter", async (create) => {
    const { limits, settle } = await create([rate("tokens", 10, 60_000)]);
    await take(limits, { tokens: 5 });
    const large = watch(limits.acquire({ tokens: 10 }));
    await settle();
    expect(await failure(() => limits.acquire({ tokens: 1 }, { timeoutMs: 0 }))).toBeInstanceOf(
      AcquireTimeoutError,
    );
    expect(large.state).toBe("pending");
  });

  it("a timeout of 100 rejects after 100 ms, not before, and takes nothing", async (create) => {
    const { limits, clock } = await create(LIMITS);
    const holder = await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ tokens: 10 }, { timeoutMs: 100 }));
    await clock.advance(99);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.reason).toBeInstanceOf(AcquireTimeoutError);
    expect(waiter.reason).toMatchObject({ name: "TimeoutError" });
    await holder.release();
    expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
  });

  it("a grant within the timeout ends it", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    const waiter = watch(limits.acquire({ x: 1 }, { timeoutMs: 200 }));
    await clock.advance(100);
    expect(waiter.state).toBe("granted");
    await clock.advance(1000);
    expect(waiter.state).toBe("granted");
    expect(await used(limits)).toEqual({ x: 0 });
  });

  it("a timeout beyond all time is none", async (create) => {
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
    it(`a timeout of ${timeoutMs} is an error, even with room`, async (create) => {
      const { limits } = await create(LIMITS);
      const error = await failure(() => limits.acquire({ tokens: 1 }, { timeoutMs }));
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error.message).toContain("timeoutMs");
      expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
    });
  }

  it("run passes its timeout on", async (create) => {
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

  it("when the first in line times out the next one moves up", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 60_000)]);
    await take(limits, { x: 5 });
    const large = watch(limits.acquire({ x: 10 }, { timeoutMs: 100 }));
    const small = watch(limits.acquire({ x: 1 }));
    await clock.advance(99);
    expect(states([large, small])).toEqual(["pending", "pending"]);
    await clock.advance(1);
    expect(states([large, small])).toEqual(["rejected", "granted"]);
  });

  it("an aborted waiter rejects with the signal's reason and leaves; the next one moves up", async (create) => {
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

  it("a signal that was aborted before rejects even with room, and nothing is taken", async (create) => {
    const { limits, settle } = await create(LIMITS);
    const reason = { not: "even an error" };
    const waiter = watch(limits.acquire({ tokens: 1 }, { signal: AbortSignal.abort(reason) }));
    await settle();
    expect(waiter.reason).toBe(reason);
    expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
  });

  it("an abort after the grant takes nothing back", async (create) => {
    const { limits, settle } = await create(LIMITS);
    const controller = new AbortController();
    const acq = await limits.acquire({ tokens: 1 }, { signal: controller.signal });
    controller.abort();
    await settle();
    expect(acq.successful).toBe(true);
    expect(await used(limits)).toEqual({ tokens: 1, db: 1 });
  });

  it("an abort without a reason rejects with an AbortError", async (create) => {
    const { limits, settle } = await create(LIMITS);
    await take(limits, { db: 1 });
    const controller = new AbortController();
    const waiter = watch(limits.acquire({ tokens: 1 }, { signal: controller.signal }));
    await settle();
    controller.abort();
    await settle();
    expect(waiter.reason).toMatchObject({ name: "AbortError" });
  });

  it("run passes its signal on", async (create) => {
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
