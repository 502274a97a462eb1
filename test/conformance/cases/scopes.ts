import { expect } from "vitest";
import { UsageNotReportedError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure, rate, resource, used } from "../tools.ts";

const LIMITS = [rate("tokens", 100, 60_000), resource("db", 2)] as const;

class BodyError extends Error {}

export const scopes: Theme = ({ it }) => {
  it("run gives its body the acquisition, and resolves to the result of the body", async (create) => {
    const { limits } = await create(LIMITS);
    const result = await limits.run({ tokens: 30 }, async (acq) => {
      await acq.update({ tokens: 10 });
      return { requested: acq.requested, inside: await used(limits) };
    });
    expect(result).toEqual({ requested: { tokens: 30, db: 1 }, inside: { tokens: 30, db: 1 } });
    expect(await used(limits)).toEqual({ tokens: 10, db: 0 });
  });

  it("run rejects with the error of its body, gives back resources and charges rate limits in full", async (create) => {
    const { limits } = await create(LIMITS);
    const thrown = new BodyError();
    const error = await failure(() =>
      limits.run({ tokens: 30, db: 2 }, async () => {
        throw thrown;
      }),
    );
    expect(error).toBe(thrown);
    expect(await used(limits)).toEqual({ tokens: 30, db: 0 });
  });

  it("run refunds unused units when its body fails after an update", async (create) => {
    const { limits } = await create(LIMITS);
    const thrown = new BodyError();
    const error = await failure(() =>
      limits.run({ tokens: 30 }, async (acq) => {
        await acq.update({ tokens: 5 });
        throw thrown;
      }),
    );
    expect(error).toBe(thrown);
    expect(await used(limits)).toEqual({ tokens: 5, db: 0 });
  });

  it("run rejects if its body reports no usage", async (create) => {
    const { limits } = await create(LIMITS);
    const error = await failure(() => limits.run({ tokens: 30 }, async () => "done"));
    expect(error).toBeInstanceOf(UsageNotReportedError);
    expect(await used(limits)).toEqual({ tokens: 30, db: 0 });
  });

  it("run does not reject if its body reports no usage and missingUpdate is charge", async (create) => {
    const { limits } = await create(LIMITS, { missingUpdate: "charge" });
    expect(await limits.run({ tokens: 30 }, async () => "done")).toBe("done");
    expect(await used(limits)).toEqual({ tokens: 30, db: 0 });
  });

  it("the body of run may release its acquisition", async (create) => {
    const { limits } = await create(LIMITS);
    const result = await limits.run({ db: 2 }, async (acq) => {
      await acq.release();
      return used(limits);
    });
    expect(result).toEqual({ tokens: 0, db: 0 });
    expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
  });

  it("await using releases an acquisition at the end of the scope", async (create) => {
    const { limits } = await create(LIMITS);
    {
      await using acq = await limits.acquire({ tokens: 30, db: 2 });
      await acq.update({ tokens: 20 });
      expect(await used(limits)).toEqual({ tokens: 30, db: 2 });
    }
    expect(await used(limits)).toEqual({ tokens: 20, db: 0 });
  });

  it("using releases an acquisition at the end of the scope", async (create) => {
    const { limits, settle } = await create(LIMITS);
    {
      using acq = await limits.acquire({ db: 2 });
      expect(acq.successful).toBe(true);
      expect(await used(limits)).toEqual({ tokens: 0, db: 2 });
    }
    await settle();
    expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
  });
};
