import { expect } from "vitest";
import type { Theme } from "../harness.ts";
import { ALGORITHMS, calls, micro, rate, resource, take, used } from "../tools.ts";

export const allOrNothing: Theme = ({ it }) => {
  for (const exhausted of [...ALGORITHMS, "call_count", "connections"] as const) {
    it(`a refusal because of ${exhausted} takes nothing of the other limits, and names ${exhausted} alone`, async (create) => {
      const { limits } = await create([
        calls(10, 60_000),
        ...ALGORITHMS.map((algorithm) => rate(algorithm, 10, 60_000, { algorithm })),
        resource("connections", 10),
      ]);
      await take(limits, { call_count: 0, connections: 0, [exhausted]: 10 });
      const before = await used(limits);
      const everything = Object.fromEntries(limits.keys.map((key) => [key, 3]));
      const refused = await limits.tryAcquire(everything);
      expect(refused.successful).toBe(false);
      expect(refused.limitedBy).toEqual([exhausted]);
      expect(await used(limits)).toEqual(before);
    });
  }

  it("a refusal because of two limits names both, and has the longer wait", async (create) => {
    const { limits } = await create([
      rate("slow", 10, 60_000),
      rate("quick", 10, 1000),
      rate("idle", 10, 1000),
    ]);
    await take(limits, { slow: 10, quick: 10 });
    const refused = await limits.tryAcquire({ slow: 1, quick: 1, idle: 1 });
    expect([...refused.limitedBy].sort()).toEqual(["quick", "slow"]);
    expect(micro(refused.retryAfterMs)).toBe(6000);
  });

  it("a refusal because of a resource has an infinite wait", async (create) => {
    const { limits } = await create([rate("tokens", 10, 1000), resource("db", 1)]);
    await take(limits, { tokens: 10 });
    const refused = await limits.tryAcquire({ tokens: 1 });
    expect([...refused.limitedBy].sort()).toEqual(["db", "tokens"]);
    expect(refused.retryAfterMs).toBe(Number.POSITIVE_INFINITY);
  });

  it("a waiter that times out takes nothing, neither while it waits nor afterwards", async (create) => {
    const { limits, clock, settle } = await create([rate("tokens", 10, 60_000), resource("db", 1)]);
    const holder = await take(limits, { db: 1 });
    const waiter = limits.acquire({ tokens: 10, db: 1 }, { timeoutMs: 100 });
    waiter.catch(() => {});
    await settle();
    expect(await used(limits)).toEqual({ tokens: 0, db: 1 });
    await clock.advance(100);
    await holder.release();
    expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
  });
};
