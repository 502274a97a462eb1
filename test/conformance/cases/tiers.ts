import { expect } from "vitest";
import { CallLimit, type LimitLike, type Limits, RateLimit } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { take } from "../tools.ts";

const NEEDS = ["partitions"] as const;

/** So many tokens a second for each user. */
const tokens = (capacity: number, tiers: object, rest: object = {}): LimitLike =>
  new RateLimit({ key: "tokens", capacity, windowMs: 1000, per: "user", tiers, ...rest } as never);

/** The views of alice in no tier, and in the tier `pro`. */
function viewsOf(limits: unknown): readonly [Limits<"tokens">, Limits<"tokens">] {
  const set = limits as Limits<"tokens">;
  return [
    set.for({ user: "alice" } as never) as Limits<"tokens">,
    set.for({ user: "alice" } as never, { tier: "pro" }) as Limits<"tokens">,
  ];
}

export const tiers: Theme = ({ it }) => {
  it(
    "usage that is reported once the partition has recovered is charged in the tier of its view, as to a name never seen",
    NEEDS,
    async (create) => {
      const { limits, clock } = await create([tokens(10, { pro: { capacity: 1000 } }, { overage: "debt" })]);
      const [free, pro] = viewsOf(limits);
      const held = await take(free, { tokens: 1 });
      await take(pro, { tokens: 1 });
      await clock.advance(1000);
      await held.update({ tokens: 6 });
      await held.release();
      await clock.advance(100);
      expect((await free.stats()).tokens.used).toBe(4);
    },
  );

  it("a request that takes nothing of a partition leaves it in its tier", NEEDS, async (create) => {
    const { limits, clock } = await create([
      tokens(10, { pro: { capacity: 1000 } }),
      new CallLimit({ capacity: 10, windowMs: 1000 }),
    ]);
    const [free, pro] = viewsOf(limits);
    await take(free, { tokens: 5 });
    await take(pro, { tokens: 0 });
    await clock.advance(100);
    expect((await free.stats()).tokens.used).toBe(4);
  });

  it("a wait in another tier goes by what leaks in the tier of the partition", NEEDS, async (create) => {
    const { limits } = await create([tokens(10, { pro: { capacity: 5 } })]);
    const [free, pro] = viewsOf(limits);
    await take(free, { tokens: 10 });
    expect((await pro.tryAcquire({ tokens: 1 })).retryAfterMs).toBe(600);
    expect((await pro.stats()).tokens.retryAfterMs).toBe(600);
    await free.pause(700);
    expect((await pro.tryAcquire({ tokens: 1 })).retryAfterMs).toBe(700);
  });

  it("what is used of a minute does not go over to another with a change of tier", NEEDS, async (create) => {
    const { limits, clock } = await create([
      new RateLimit({
        ...{ key: "tokens", capacity: 10, algorithm: "fixed-window", every: "minute", per: "user" },
        tiers: { pro: { capacity: 20 } },
      } as never),
    ]);
    const [free, pro] = viewsOf(limits);
    await take(free, { tokens: 5 });
    await pro.resume();
    await clock.advance(3_600_000);
    await free.resume();
    expect((await free.stats()).tokens.used).toBe(0);
  });
};
