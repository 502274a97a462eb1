import { expect } from "vitest";
import type { Amounts } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { rate, resource } from "../tools.ts";

/** Properties that every object has, and the one that sets its prototype. */
const NAMES = ["__proto__", "constructor", "toString"] as const;
type Name = (typeof NAMES)[number];

const LIMITS = [rate("__proto__", 100, 60_000), rate("constructor", 100, 60_000), resource("toString", 4)];

/** An object whose own keys these are. */
const own = (entries: readonly (readonly [Name, number])[]) => Object.fromEntries(entries) as Amounts<Name>;

export const names: Theme = ({ it }) => {
  it("limits may have the names of properties that every object has: their usage is settled", async (create) => {
    const { limits, settle } = await create<Name>(LIMITS);
    const acquisition = await limits.acquire(own([["__proto__", 60]]));
    expect(Object.entries(acquisition.requested)).toEqual([
      ["__proto__", 60],
      ["toString", 1],
    ]);
    acquisition.update(own([["__proto__", 20]]));
    acquisition.release();
    await settle();
    const both = await limits.acquire(
      own([
        ["__proto__", 5],
        ["constructor", 7],
        ["toString", 2],
      ]),
    );
    both.update(own([["constructor", 3]]));
    both.update(own([["__proto__", 4]]));
    both.release();
    await settle();
    const stats = await limits.stats();
    expect(NAMES.map((name) => stats[name].used)).toEqual([24, 3, 0]);
  });

  it("a request that does not name such limits takes the automatic amounts, and a nested one nothing of those covered", async (create) => {
    const { limits, settle } = await create<Name>(LIMITS);
    const outer = await limits.acquire(own([["constructor", 1]]));
    const inner = await outer.acquire(own([["__proto__", 1]]));
    expect(Object.entries(inner.requested)).toEqual([["__proto__", 1]]);
    inner.update(own([["__proto__", 1]]));
    inner.release();
    const refused = await limits.tryAcquire(own([["constructor", 100]]));
    expect([refused.successful, refused.limitedBy]).toEqual([false, ["constructor"]]);
    await settle();
    const stats = await limits.stats();
    expect(NAMES.map((name) => stats[name].used)).toEqual([1, 1, 1]);
  });
};
