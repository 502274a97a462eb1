import { expect } from "vitest";
import type { Theme } from "../harness.ts";
import { resource, take, used } from "../tools.ts";

const DAY_MS = 86_400_000;

export const resources: Theme = ({ it }) => {
  it("a resource stays held until it is released", async (create) => {
    const { limits, clock } = await create([resource("db", 3)]);
    const two = await take(limits, { db: 2 });
    await take(limits, { db: 1 });
    await clock.advance(DAY_MS);
    expect((await limits.tryAcquire({ db: 1 })).successful).toBe(false);
    await two.release();
    expect(await used(limits)).toEqual({ db: 1 });
    expect((await limits.tryAcquire({ db: 2 })).successful).toBe(true);
  });

  it("a refusal because of a resource has an infinite wait, since it depends on a release", async (create) => {
    const { limits } = await create([resource("db", 3)]);
    await take(limits, { db: 2 });
    const refused = await limits.tryAcquire({ db: 2 });
    expect(refused.retryAfterMs).toBe(Number.POSITIVE_INFINITY);
    expect(refused.limitedBy).toEqual(["db"]);
  });
};
