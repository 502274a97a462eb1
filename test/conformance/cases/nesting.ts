import { expect } from "vitest";
import { AcquireTimeoutError, AcquisitionReleasedError, InvalidRequestError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { calls, failure, rate, resource, states, take, used, watch } from "../tools.ts";

const MINUTE = 60_000;

export const nesting: Theme = ({ it }) => {
  it("inside the only connection tokens are granted, and their release leaves the connection held", async (create) => {
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

  it("what the outer ones hold is not taken again", async (create) => {
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

  it("what is named is taken though an outer one holds it", async (create) => {
    const { limits } = await create([calls(10, MINUTE), resource("db", 3)]);
    const outer = await limits.acquire();
    const inner = await outer.acquire({ db: 2, call_count: 3 });
    expect(inner.requested).toEqual({ db: 2, call_count: 3 });
    await inner.release();
    expect(await used(limits)).toEqual({ call_count: 4, db: 1 });
  });

  it("siblings do not hold for each other", async (create) => {
    const { limits } = await create([resource("a", 3), resource("b", 3)]);
    const outer = await limits.acquire({ b: 0 });
    await outer.acquire({ b: 1 });
    const sibling = await outer.acquire();
    expect(sibling.requested).toEqual({ b: 1 });
  });

  it("a nested request is validated like any other", async (create) => {
    const { limits } = await create([resource("db", 3), rate("tokens", 100, MINUTE)]);
    const outer = await limits.acquire({ db: 1 });
    for (const requested of [undefined, {}, { tokens: 101 }, { tokens: -1 }, { db: Number.NaN }]) {
      expect(await failure(() => outer.acquire(requested))).toBeInstanceOf(InvalidRequestError);
    }
    expect(await used(limits)).toEqual({ db: 1, tokens: 0 });
  });

  it("a nested request has its timeout and its signal", async (create) => {
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

  it("nothing can be nested in what was released", async (create) => {
    const { limits } = await create([resource("db", 2)]);
    const outer = await limits.acquire();
    await outer.release();
    expect(await failure(() => outer.acquire({ db: 1 }))).toBeInstanceOf(AcquisitionReleasedError);
    expect(await used(limits)).toEqual({ db: 0 });
  });

  it("an inner one outlives its outer one", async (create) => {
    const { limits } = await create([resource("db", 3)]);
    const outer = await limits.acquire({ db: 1 });
    const inner = await outer.acquire({ db: 2 });
    await outer.release();
    expect(await used(limits)).toEqual({ db: 2 });
    await inner.release();
    expect(await used(limits)).toEqual({ db: 0 });
  });

  it("it does not wait behind one that waits for a resource, nor behind those queued up there", async (create) => {
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

  it("when it has to wait for its rate, it stays ahead of those that wait for what it holds", async (create) => {
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

  it("it does wait behind one that waits only for a rate", async (create) => {
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

  it("with a timeout of 0 it tries once, past those it need not wait behind", async (create) => {
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

  it("with a timeout of 0 it does not pass one that waits only for a rate", async (create) => {
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

  it("nested requests keep their order among themselves", async (create) => {
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

  it("nested in one that took nothing it is a request like any other", async (create) => {
    const { limits } = await create([resource("db", 2)]);
    const outer = await limits.acquire({ db: 0 });
    expect((await outer.acquire()).requested).toEqual({ db: 1 });
    await take(limits, { db: 1 });
    expect(await used(limits)).toEqual({ db: 2 });
  });
};
