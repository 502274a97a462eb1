/** Resets at one moment: they move the set's time only where grants in between could give back what they have forgotten. */
import { expect, test } from "vitest";
import { LimitSet, RateLimit, RateLimitAlgorithm } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { callsBy, rate } from "../conformance/tools.ts";

test.each(Object.values(RateLimitAlgorithm))(
  "%s: a thousand resets at one moment do not move the set's time",
  (algorithm) => {
    const clock = new ManualClock(Date.UTC(2027, 0, 1));
    const set = new LimitSet({ limits: [callsBy("calls", 1, 100, algorithm)], clock });
    for (let i = 0; i < 1001; i++) set.reset();
    expect(set.tryAcquire().successful).toBe(true);
    expect(set.tryAcquire().retryAfterMs).toBe(100);
  },
);

test("resets of a thousand users at one moment do not move the set's time", () => {
  const clock = new ManualClock();
  const set = new LimitSet({
    limits: [rate("tokens", 10, 100)].map((each) => ({ ...each, per: "user" })),
    clock,
  });
  const views = Array.from({ length: 1000 }, (_, i) => set.for({ user: `${i}` }));
  for (const view of views) view.charge({ tokens: 10 });
  for (const view of views) view.reset();
  expect(views[0]!.tryAcquire({ tokens: 10 }).successful).toBe(true);
  expect(views[0]!.tryAcquire({ tokens: 10 }).retryAfterMs).toBe(100);
});

test("of grants before a second reset at the same moment nothing comes back", () => {
  for (const of of ["a limit", "a user", "all users"]) {
    const clock = new ManualClock();
    const per = of === "a limit" ? {} : { per: "user" };
    const set = new LimitSet({
      limits: [new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000, ...per })],
      clock,
    });
    const view = of === "a limit" ? set : set.for({ user: "alice" });
    const resets = () => (of === "all users" ? set : view).reset();
    resets();
    const before = view.tryAcquire({ tokens: 5 });
    resets();
    const after = view.tryAcquire({ tokens: 5 });
    before.update({ tokens: 0 });
    before.release();
    expect(view.stats().tokens.available, of).toBe(5);
    after.update({ tokens: 0 });
    after.release();
    expect(view.stats().tokens.available, of).toBe(10);
  }
});
