import { expect } from "vitest";
import { LimitError, LimitSetClosedError, type Limits } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure, rate, resource, take, used, watch } from "../tools.ts";

/** Code that knows the contract, and no backend. */
async function spend(limits: Limits<"tokens" | "db">, estimate: number, actual: number): Promise<number> {
  return limits.run({ tokens: estimate, db: 1 }, async (acq) => {
    await acq.update({ tokens: actual });
    return (await limits.stats()).tokens.available;
  });
}

export const contract: Theme = ({ it }) => {
  it("code that takes a Limits runs on this set", async (create) => {
    const { limits } = await create([rate("tokens", 100, 60_000), resource("db", 1)]);
    const available = await Promise.all([spend(limits, 40, 10), spend(limits, 40, 20)]);
    expect(available).toEqual([60, 50]);
    expect(await used(limits)).toEqual({ tokens: 30, db: 0 });
  });

  it("get of an unknown key is an error", async (create) => {
    const { limits } = await create([rate("x", 10, 1000)]);
    const error = await failure(() => limits.get("y" as "x"));
    expect(error).toBeInstanceOf(LimitError);
    expect(error.message).toContain("y");
  });

  it("an acquisition has a copy of the set's config", async (create) => {
    const config = { model: "large", nested: { retries: [1, 2] } };
    const { limits } = await create([resource("db", 3)], { config });
    const first = await limits.acquire();
    expect(first.config).toEqual(config);
    expect(limits.config).toEqual(config);
    (first.config as typeof config).model = "small";
    expect((await limits.acquire()).config).toEqual(config);
    expect(limits.config).toEqual(config);
  });

  it("the config of an acquisition is empty if the set has none", async (create) => {
    const { limits } = await create([resource("db", 3)]);
    expect((await limits.acquire()).config).toEqual({});
  });

  it("a refusal has the config of the set too", async (create) => {
    const { limits } = await create([resource("db", 1)], { config: { model: "large" } });
    await take(limits, { db: 1 });
    expect((await limits.tryAcquire()).config).toEqual({ model: "large" });
  });

  it("a closed set rejects its waiters, and grants nothing more", async (create) => {
    const { limits, settle } = await create([resource("db", 1)]);
    const holder = await take(limits, { db: 1 });
    const waiters = [watch(limits.acquire()), watch(limits.run({}, async () => "ran"))];
    await settle();
    await limits.close();
    await settle();
    for (const waiter of waiters) expect(waiter.reason).toBeInstanceOf(LimitSetClosedError);
    expect(await failure(() => limits.acquire())).toBeInstanceOf(LimitSetClosedError);
    expect(await failure(() => limits.tryAcquire())).toBeInstanceOf(LimitSetClosedError);
    await holder.release();
  });

  it("waiting is how many requests wait", async (create) => {
    const { limits, settle } = await create([resource("db", 1)]);
    expect(limits.waiting).toBe(0);
    const holder = await take(limits, { db: 1 });
    expect(limits.waiting).toBe(0);
    const waiters = [watch(limits.acquire()), watch(limits.acquire())];
    await settle();
    expect(limits.waiting).toBe(2);
    await holder.release();
    await settle();
    expect(limits.waiting).toBe(1);
    await waiters[0]!.value!.release();
    await settle();
    expect(limits.waiting).toBe(0);
  });

  it("a second close does nothing", async (create) => {
    const { limits } = await create([resource("db", 1)]);
    await limits.close();
    await limits.close();
    expect(await failure(() => limits.acquire())).toBeInstanceOf(LimitSetClosedError);
  });
};
