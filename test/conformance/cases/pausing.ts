/** Waiters behind a pause: they stand aside, so that the pause of one partition does not close the limits of all. */
import { expect } from "vitest";
import { CallLimit } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { states, take, watch } from "../tools.ts";

const NEEDS = ["partitions", "changes"] as const;

/** One call each 100 ms for all, five a second for each user. */
const CALLS = [
  new CallLimit({ key: "all", capacity: 1, windowMs: 100 }),
  new CallLimit({ key: "each", capacity: 5, windowMs: 1000, per: "user" }),
];

export const pausing: Theme = ({ it }) => {
  for (const fairBy of [undefined, "user"]) {
    const how = fairBy ? ", served in turn," : "";
    it(`waiters of a paused user${how} do not hold up those of the others`, NEEDS, async (create) => {
      const { limits, clock, settle } = await create(CALLS, fairBy ? { fairBy } : {});
      const [alice, bob, carol] = ["alice", "bob", "carol"].map((user) => limits.for({ user })) as [
        typeof limits,
        typeof limits,
        typeof limits,
      ];
      await take(carol);
      const waiters = [
        watch(alice.acquire()),
        watch(bob.acquire()),
        watch(alice.acquire()),
        watch(bob.acquire()),
      ];
      await settle();
      await alice.pause(Number.POSITIVE_INFINITY);
      const prospect = { successful: false, limitedBy: ["all"], ahead: 2, retryAfterMs: 300 };
      if (!fairBy) expect(await carol.peek()).toMatchObject(prospect);
      await clock.advance(100);
      await clock.advance(100);
      expect(states(waiters)).toEqual(["pending", "granted", "pending", "granted"]);
      await clock.advance(1000);
      await take(carol);
      // Now they stand where they stood: before all that come later.
      const late = watch(carol.acquire());
      await settle();
      await alice.resume();
      await clock.advance(100);
      await clock.advance(100);
      expect(states([...waiters, late]).filter((state) => state === "pending")).toHaveLength(1);
      if (!fairBy) expect(late.state).toBe("pending");
      await clock.advance(100);
      expect(states([...waiters, late])).not.toContain("pending");
    });
  }

  it("when a pause ends by itself its waiters count again", NEEDS, async (create) => {
    const { limits, clock, settle } = await create(CALLS);
    const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
    await alice.pause(250);
    const paused = watch(alice.acquire());
    await settle();
    expect(await alice.peek()).toMatchObject({ successful: false, limitedBy: ["each"] });
    await take(bob);
    await clock.advance(200);
    await take(bob);
    const later = watch(bob.acquire());
    await settle();
    await clock.advance(50);
    expect(await bob.peek()).toMatchObject({ limitedBy: ["all"], ahead: 2, retryAfterMs: 250 });
    await clock.advance(50);
    expect(states([paused, later])).toEqual(["granted", "pending"]);
    await clock.advance(100);
    expect(later.state).toBe("granted");
  });
};
