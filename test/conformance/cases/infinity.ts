import { expect } from "vitest";
import type { Theme } from "../harness.ts";
import { ALGORITHMS, counting, rate, resource, take } from "../tools.ts";

export const infinity: Theme = ({ it }) => {
  for (const algorithm of ALGORITHMS) {
    it(`a ${algorithm} of infinite capacity never refuses, and nothing of it is ever in use`, async (create) => {
      const { limits } = await create([rate("x", Infinity, 1000, { algorithm })]);
      for (const x of [1, 1_000_000, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]) {
        const acquisition = await take(limits, { x });
        await acquisition.update({ x: 0 });
        await acquisition.release();
        await take(limits, { x });
      }
      expect((await limits.stats()).x).toMatchObject({
        capacity: Infinity,
        available: Infinity,
        used: 0,
        utilization: 0,
        retryAfterMs: 0,
      });
      expect(limits.get("x")).toMatchObject({ capacity: Infinity });
    });
  }

  it("a resource of infinite capacity never refuses, and counts what is held", async (create) => {
    const { limits } = await create([resource("db", Infinity)]);
    const first = await take(limits, { db: 1000 });
    await take(limits, {});
    expect((await limits.stats()).db).toMatchObject({
      capacity: Infinity,
      available: Infinity,
      used: 1001,
      utilization: 0,
    });
    await first.release();
    expect((await limits.stats()).db.used).toBe(1);
  });

  it("an infinite limit beside a finite one of its metric leaves the verdict to that one", async (create) => {
    const { limits } = await create<string>([
      counting("none", "x", Infinity, 1000),
      counting("few", "x", 5, 1000),
    ]);
    await take(limits, { x: 5 });
    const refused = await limits.tryAcquire({ x: 1 });
    expect(refused.limitedBy).toEqual(["few"]);
    expect(refused.retryAfterMs).toBe(200);
  });
};
