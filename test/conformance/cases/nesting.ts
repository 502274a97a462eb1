import { expect } from "vitest";
import { AcquireTimeoutError, AcquisitionReleasedError, InvalidRequestError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { calls, failure, rate, resource, states, take, used, watch } from "../tools.ts";

const MINUTE = 60_000;

export const nesting: Theme = ({ it }) => {
  it("a nested request is granted while its outer acquisition holds the only connection, and its release leaves that held", async (create) => {
    const { limits, settle } = await create([resource("connections", 1), rate("tokens", 100, MINUTE)]);
    const outer = await limits.acquire({ connections: 1 });
    const inner = watch(outer.acquire({ tokens: 100 }));
    await settle();
    expect(inner.value.requested).toEqual({ tokens: 100 });
    await inner.value.update({ tokens: 100 });
    await inner.value.release();
    expect(await used(limits)).toEqual({ connections: 1, tokens: 100 });
    expect((await limits.tryAcquire({ connections: 1 })).successful).toBe(false);
    await outer.release();
    expect(await used(limits)).toEqual({ connections: 0, tokens: 100 });
  });

  it("a nested request does not automatically take again what its outer acquisitions hold", async (create) => {
    const { limits } = await create([calls(10, MINUTE), resource("db", 3), resource("slots", 3)]);
    const outer = await limits.acquire({ slots: 0 });
    expect(outer.requested).toEqual({ call_count: 1, db: 1 });
    const middle = await outer.acquire();
    expect(middle.requested).toEqual({ slots: 1 });
    const inner = await middle.acquire({});
    expect(inner.requested).toEqual({});
    expect(await used(limits)).toEqual({ call_count: 1, db: 1, slots: 1 });
    for (const acq of [inner, middle, outer]) await acq.release();
    expect(await used(limits)).toEqual({ call_count: 1, db: 0, slots: 0 });
  });

  it("a nested request takes the amounts that it names, even of limits that its outer acquisition holds", async (create) => {
    const { limits } = await create([calls(10, MINUTE), resource("db", 3)]);
    const outer = await limits.acquire();
    const inner = await outer.acquire({ db: 2, call_count: 3 });
    expect(inner.requested).toEqual({ db: 2, call_count: 3 });
    await inner.release();
    expect(await used(limits)).toEqual({ call_count: 4, db: 1 });
  });

  it("a nested request takes automatically what only a sibling holds", async (create) => {
    const { limits } = await create([resource("a", 3), resource("b", 3)]);
    const outer = await limits.acquire({ b: 0 });
    await outer.acquire({ b: 1 });
    const sibling = await outer.acquire();
    expect(sibling.requested).toEqual({ b: 1 });
  });

  it("a nested request is checked like any other", async (create) => {
    const { limits } = await create([resource("db", 3), rate("tokens", 100, MINUTE)]);
    const outer = await limits.acquire({ db: 1 });
    for (const requested of [undefined, {}, { tokens: 101 }, { tokens: -1 }, { db: Number.NaN }]) {
      expect(await failure(() => outer.acquire(requested))).toBeInstanceOf(InvalidRequestError);
    }
    expect(await used(limits)).toEqual({ db: 1, tokens: 0 });
  });

  it("a nested request has a timeout and a signal of its own", async (create) => {
    const { limits, clock, settle } = await create([resource("db", 1)]);
    const outer = await limits.acquire();
    const late = watch(outer.acquire({ db: 1 }, { timeoutMs: 100 }));
    const controller = new AbortController();
    const aborted = watch(outer.acquire({ db: 1 }, { signal: controller.signal }));
    await settle();
    controller.abort(new Error("enough"));
    await clock.advance(100);
    expect(late.reason).toBeInstanceOf(AcquireTimeoutError);
    expect(aborted.reason).toMatchObject({ message: "enough" });
  });

  it("a nested request through a released acquisition is an error", async (create) => {
    const { limits } = await create([resource("db", 2)]);
    const outer = await limits.acquire();
    await outer.release();
    expect(await failure(() => outer.acquire({ db: 1 }))).toBeInstanceOf(AcquisitionReleasedError);
    expect(await used(limits)).toEqual({ db: 0 });
  });

  it("a nested acquisition stays held when its outer acquisition is released", async (create) => {
    const { limits } = await create([resource("db", 3)]);
    const outer = await limits.acquire({ db: 1 });
    const inner = await outer.acquire({ db: 2 });
    await outer.release();
    expect(await used(limits)).toEqual({ db: 2 });
    await inner.release();
    expect(await used(limits)).toEqual({ db: 0 });
  });

  it("a nested request does not wait behind a waiter for a resource, nor behind the waiters after that", async (create) => {
    const { limits, clock, settle } = await create([resource("connections", 1), rate("tokens", 100, MINUTE)]);
    const outer = await limits.acquire({ connections: 1 });
    const rival = watch(limits.acquire({ connections: 1, tokens: 100 }));
    const queued = watch(limits.acquire({ connections: 0, tokens: 50 }));
    await settle();
    expect(states([rival, queued])).toEqual(["pending", "pending"]);
    const inner = watch(outer.acquire({ tokens: 100 }));
    await settle();
    expect(inner.state).toBe("granted");
    await inner.value.update({ tokens: 100 });
    await inner.value.release();
    await outer.release();
    await clock.advance(MINUTE);
    expect(rival.state).toBe("granted");
  });

  it("a nested request that waits for a rate limit goes before waiters for the resource that its outer acquisition holds", async (create) => {
    const { limits, clock, settle } = await create([resource("connections", 1), rate("tokens", 100, 1000)]);
    const outer = await limits.acquire({ connections: 1, tokens: 100 });
    const rival = watch(limits.acquire({ connections: 1, tokens: 100 }));
    await settle();
    const inner = watch(outer.acquire({ tokens: 40 }));
    await clock.advance(399.999);
    expect(states([rival, inner])).toEqual(["pending", "pending"]);
    await clock.advance(0.001);
    expect(states([rival, inner])).toEqual(["pending", "granted"]);
  });

  it("a nested request waits behind a waiter for rate limits only", async (create) => {
    const { limits, clock } = await create([resource("connections", 1), rate("tokens", 100, 1000)]);
    const outer = await limits.acquire({ connections: 1, tokens: 60 });
    const ahead = watch(limits.acquire({ connections: 0, tokens: 80 }));
    const inner = watch(outer.acquire({ tokens: 10 }));
    await clock.advance(399.999);
    expect(states([ahead, inner])).toEqual(["pending", "pending"]);
    await clock.advance(0.001);
    expect(states([ahead, inner])).toEqual(["granted", "pending"]);
    await clock.advance(100);
    expect(states([ahead, inner])).toEqual(["granted", "granted"]);
  });

  it("a nested request with a timeout of 0 passes a waiter for a resource", async (create) => {
    const { limits, settle } = await create([resource("connections", 1), rate("tokens", 100, MINUTE)]);
    const outer = await limits.acquire({ connections: 1 });
    const rival = watch(limits.acquire({ connections: 1, tokens: 100 }));
    await settle();
    const inner = await outer.acquire({ tokens: 60 }, { timeoutMs: 0 });
    expect(inner.requested).toEqual({ tokens: 60 });
    expect(await failure(() => outer.acquire({ tokens: 60 }, { timeoutMs: 0 }))).toBeInstanceOf(
      AcquireTimeoutError,
    );
    expect(rival.state).toBe("pending");
    expect(await used(limits)).toEqual({ connections: 1, tokens: 60 });
    expect((await limits.stats()).tokens.waiting).toBe(1);
  });

  it("a nested request with a timeout of 0 does not pass a waiter for rate limits only", async (create) => {
    const { limits, settle } = await create([resource("connections", 1), rate("tokens", 100, MINUTE)]);
    const outer = await limits.acquire({ connections: 1, tokens: 60 });
    const ahead = watch(limits.acquire({ connections: 0, tokens: 80 }));
    await settle();
    expect(await failure(() => outer.acquire({ tokens: 10 }, { timeoutMs: 0 }))).toBeInstanceOf(
      AcquireTimeoutError,
    );
    expect(ahead.state).toBe("pending");
    expect((await limits.stats()).tokens).toMatchObject({ used: 60, waiting: 1 });
  });

  it("nested requests are granted in order of arrival among themselves", async (create) => {
    const { limits, clock, settle } = await create([resource("connections", 2), rate("tokens", 100, 1000)]);
    const [one, two] = [await limits.acquire({ connections: 1 }), await limits.acquire({ connections: 1 })];
    const rival = watch(limits.acquire({ connections: 1, tokens: 100 }));
    await settle();
    await one.acquire({ tokens: 100 });
    const large = watch(two.acquire({ tokens: 60 }));
    const small = watch(one.acquire({ tokens: 10 }));
    await clock.advance(599.999);
    expect(states([rival, large, small])).toEqual(["pending", "pending", "pending"]);
    await clock.advance(0.001);
    expect(states([rival, large, small])).toEqual(["pending", "granted", "pending"]);
    await clock.advance(100);
    expect(states([rival, large, small])).toEqual(["pending", "granted", "granted"]);
  });

  it("a nested request through an acquisition that took nothing is like any other request", async (create) => {
    const { limits } = await create([resource("db", 2)]);
    const outer = await limits.acquire({ db: 0 });
    expect((await outer.acquire()).requested).toEqual({ db: 1 });
    await take(limits, { db: 1 });
    expect(await used(limits)).toEqual({ db: 2 });
  });
};
