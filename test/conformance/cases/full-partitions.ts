/** Changes of names that have no place of their own, since all partitions of their dimension are in use. */
import { expect } from "vitest";
import { PartitionsFullError, RateLimit } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure, take } from "../tools.ts";

const NEEDS = ["partitions", "changes"] as const;

const tokens = [
  new RateLimit({ key: "all", counts: "tokens", capacity: 100, windowMs: 1000, overage: "debt" }),
  new RateLimit({
    key: "each",
    counts: "tokens",
    capacity: 10,
    windowMs: 1000,
    per: "user",
    overage: "debt",
  }),
];

export const fullPartitions: Theme = ({ it }) => {
  it(
    "where new names are refused, what would be lost of one is an error, and changes nothing",
    NEEDS,
    async (create) => {
      const { limits, clock } = await create(tokens, {
        partitions: { user: { max: 1, whenFull: "refuse" } },
      });
      const [first, second] = [limits.for({ user: "first" }), limits.for({ user: "second" })];
      await take(first, { tokens: 1 });
      for (const change of [
        () => second.charge({ tokens: 5 }),
        () => second.lower({ each: 5 }),
        () => second.lower({ all: 5, each: 5 }),
        () => second.pause(100),
        () => second.pause(100, ["all", "each"]),
      ]) {
        const error = await failure(change);
        expect(error).toBeInstanceOf(PartitionsFullError);
        expect(error).toMatchObject({ dimension: "user", key: "each", code: "ERR_PARTITIONS_FULL" });
      }
      expect((await limits.stats()).all).toMatchObject({ used: 1, charged: 0, retryAfterMs: 0 });
      // These lose nothing: the name is neither paused nor used. And limits of all have room.
      await second.resume();
      await second.reset();
      await second.lower({ all: 50 });
      await second.pause(0, ["all"]);
      expect((await limits.stats()).all.available).toBe(50);
      await clock.advance(1000);
      await second.charge({ tokens: 5 });
      expect((await second.stats()).each.available).toBe(5);
    },
  );

  it(
    "usage above the request of a name that has lost its place is not counted as charged",
    NEEDS,
    async (create) => {
      const { limits, clock, settle } = await create(tokens, {
        partitions: { user: { max: 1, whenFull: "refuse" } },
      });
      const held = await take(limits.for({ user: "first" }), { tokens: 1 });
      await clock.advance(1000);
      await take(limits.for({ user: "second" }), { tokens: 1 });
      await held.update({ tokens: 50 });
      await held.release();
      await settle();
      expect(await limits.stats()).toMatchObject({ all: { charged: 49 }, each: { charged: 0, refunded: 0 } });
    },
  );

  it("names that share a state pause and resume it, and do not reset it", NEEDS, async (create) => {
    const { limits } = await create(tokens, { partitions: { user: { max: 1 } } });
    await take(limits.for({ user: "first" }), { tokens: 1 });
    const [second, third] = [limits.for({ user: "second" }), limits.for({ user: "third" })];
    await take(second, { tokens: 4 });
    await second.pause(Number.POSITIVE_INFINITY);
    expect(await third.tryAcquire({ tokens: 1 })).toMatchObject({ successful: false, limitedBy: ["each"] });
    await second.resume();
    await second.reset();
    await take(third, { tokens: 6 });
    expect(await second.tryAcquire({ tokens: 1 })).toMatchObject({ successful: false, limitedBy: ["each"] });
  });
};
