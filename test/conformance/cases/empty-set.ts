import { expect } from "vitest";
import { InvalidRequestError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure } from "../tools.ts";

export const emptySet: Theme = ({ it }) => {
  it("a set without limits grants every request", async (create) => {
    const { limits } = await create();
    for (const attempt of [() => limits.acquire(), () => limits.acquire({}), () => limits.tryAcquire()]) {
      const acq = await attempt();
      expect(acq).toMatchObject({ successful: true, retryAfterMs: 0, limitedBy: [] });
      expect(acq.requested).toEqual({});
      await acq.update({});
      await acq.release();
    }
  });

  it("a set without limits grants nested requests, and those of run", async (create) => {
    const { limits } = await create();
    const outer = await limits.acquire();
    expect((await outer.acquire()).successful).toBe(true);
    expect(await limits.run({}, async (acq) => acq.successful)).toBe(true);
  });

  it("a set without limits has no keys and no stats", async (create) => {
    const { limits } = await create();
    expect(await limits.stats()).toEqual({});
    expect([...limits.keys]).toEqual([]);
  });

  it("a set without limits refuses every key", async (create) => {
    const { limits } = await create();
    const requested = { tokens: 1 } as Record<never, number>;
    for (const attempt of [() => limits.acquire(requested), () => limits.tryAcquire(requested)]) {
      const error = await failure(attempt);
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error.message).toContain("tokens");
    }
  });
};
