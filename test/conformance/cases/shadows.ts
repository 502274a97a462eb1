import { expect } from "vitest";
import { CallLimit, RateLimit, ResourceLimit } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { ALGORITHMS, failure, rate, resource, take, used, watch } from "../tools.ts";

export const shadows: Theme = ({ it }) => {
  for (const algorithm of ALGORITHMS) {
    it(
      `${algorithm}: a shadow lets pass what it would refuse, and charges nothing`,
      ["changes"],
      async (create) => {
        const { limits, settle } = await create([
          new RateLimit({ key: "x", capacity: 10, windowMs: 1000, algorithm, enforce: false }),
          rate("y", 100, 1000),
        ]);
        await take(limits, { x: 8, y: 8 });
        const passed = await take(limits, { x: 8, y: 8 });
        expect(passed.requested).toEqual({ x: 8, y: 8 });
        const far = await take(limits, { x: 1000, y: 1 });
        expect(await used(limits)).toEqual({ x: 8, y: 17 });
        expect((await limits.stats()).x).toMatchObject({ granted: 3, wouldRefuse: 2, refused: 0 });
        for (const acq of [passed, far]) {
          acq.update({ x: 0, y: 0 });
          acq.release();
        }
        await settle();
        expect(await used(limits)).toEqual({ x: 8, y: 8 });
      },
    );
  }

  it("a shadow never stands in limitedBy, nor lengthens a wait", ["changes"], async (create) => {
    const { limits, clock, settle } = await create([
      new RateLimit({ key: "x", capacity: 1, windowMs: 100_000, enforce: false }),
      rate("y", 1, 1000),
    ]);
    await take(limits, { x: 1, y: 1 });
    const tried = await limits.tryAcquire({ x: 1, y: 1 });
    expect(tried).toMatchObject({ limitedBy: ["y"], retryAfterMs: 1000 });
    expect((await limits.stats()).x).toMatchObject({ retryAfterMs: 0, refused: 0, wouldRefuse: 0 });
    const waiter = watch(limits.acquire({ x: 1, y: 1 }));
    await settle();
    // The waiter has no demand of the shadow.
    expect((await limits.tryAcquire({ x: 1 })).successful).toBe(true);
    await clock.advance(1000);
    expect(waiter.state).toBe("granted");
    expect((await limits.stats()).x).toMatchObject({ granted: 3, wouldRefuse: 2 });
  });

  it("a shadow is never in limitedBy where two limits refuse", ["changes"], async (create) => {
    const { limits, settle } = await create([
      rate("a", 1, 1000),
      new RateLimit({ key: "x", capacity: 1, windowMs: 100_000, enforce: false }),
      rate("b", 1, 2000),
    ]);
    await take(limits, { a: 1, x: 1, b: 1 });
    const refused = { limitedBy: ["a", "b"], retryAfterMs: 2000 };
    expect(await limits.tryAcquire({ a: 1, x: 1, b: 1 })).toMatchObject(refused);
    expect(await limits.peek({ a: 1, x: 1, b: 1 })).toMatchObject(refused);
    const late = await failure(() => limits.acquire({ a: 1, x: 1, b: 1 }, { timeoutMs: 0 }));
    expect(late).toMatchObject({ limitedBy: ["a", "b"] });
    // Behind a waiter too, which has no demand of the shadow.
    const waiter = watch(limits.acquire({ a: 1, x: 1, b: 1 }));
    await settle();
    expect(await limits.tryAcquire({ a: 1, x: 1, b: 1 })).toMatchObject({ limitedBy: ["a", "b"], ahead: 1 });
    expect(waiter.state).toBe("pending");
  });

  it("a shadow resource holds only what it has granted", ["changes"], async (create) => {
    const { limits, settle } = await create([
      new ResourceLimit({ key: "db", capacity: 1, enforce: false }),
      resource("b", 5),
    ]);
    const first = await take(limits, {});
    const second = await take(limits, {});
    expect(await used(limits)).toEqual({ db: 1, b: 2 });
    second.release();
    await settle();
    expect(await used(limits)).toEqual({ db: 1, b: 1 });
    first.release();
    await settle();
    expect(await used(limits)).toEqual({ db: 0, b: 0 });
  });

  it("a paused shadow lets pass", ["changes"], async (create) => {
    const { limits } = await create([new CallLimit({ capacity: 5, windowMs: 1000, enforce: false })]);
    await limits.pause(1000);
    await take(limits, {});
    expect((await limits.stats()).call_count).toMatchObject({ used: 0, granted: 1, wouldRefuse: 1 });
  });
};
