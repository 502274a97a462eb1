import { expect } from "vitest";
import { AcquisitionReleasedError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure, rate, resource, take, used } from "../tools.ts";

const LIMITS = [rate("tokens", 100, 60_000), resource("db", 1)] as const;
const HELD = { tokens: 60, db: 1 };

export const unsuccessful: Theme = ({ it }) => {
  it("a refusal names the limits that refused, and takes nothing", async (create) => {
    const { limits } = await create(LIMITS);
    await take(limits, HELD);
    const refused = await limits.tryAcquire({ tokens: 10 });
    expect(refused).toMatchObject({ successful: false, limitedBy: ["db"] });
    expect(refused.requested).toEqual({});
    expect(refused.retryAfterMs).toBe(Number.POSITIVE_INFINITY);
  });

  it("update and release of a refusal change nothing", async (create) => {
    const { limits } = await create(LIMITS);
    await take(limits, HELD);
    const refused = await limits.tryAcquire({ tokens: 10 });
    await refused.update({ tokens: 0 });
    await refused.release();
    await refused.release();
    expect(await used(limits)).toEqual(HELD);
    expect((await limits.tryAcquire({ tokens: 10 })).successful).toBe(false);
  });

  it("a refusal in a scope changes nothing at the end of the scope", async (create) => {
    const { limits } = await create(LIMITS);
    await take(limits, HELD);
    {
      await using refused = await limits.tryAcquire({ tokens: 10 });
      expect(refused.successful).toBe(false);
    }
    expect(await used(limits)).toEqual(HELD);
    expect((await limits.tryAcquire({ tokens: 10 })).successful).toBe(false);
  });

  it("a nested request through a refusal is an error", async (create) => {
    const { limits } = await create(LIMITS);
    await take(limits, HELD);
    const refused = await limits.tryAcquire({ tokens: 10 });
    expect(await failure(() => refused.acquire({ tokens: 10, db: 0 }))).toBeInstanceOf(
      AcquisitionReleasedError,
    );
    expect(await used(limits)).toEqual(HELD);
  });
};
