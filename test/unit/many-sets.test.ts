/** Hundreds of sets with limits of partitions: each reserves memory for all the names that it may have. */
import { expect, test } from "vitest";
import { CallLimit, LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

test("hundreds of sets with limits of partitions live side by side", () => {
  const clock = new ManualClock();
  const limits = [new CallLimit({ capacity: 1, windowMs: 1000, per: "user" })];
  const make = () => new LimitSet({ limits, clock });
  let sets = Array.from({ length: 500 }, make);
  for (const set of sets) {
    expect(set.for({ user: "alice" }).tryAcquire().successful).toBe(true);
    expect(set.for({ user: "bob" }).tryAcquire().successful).toBe(true);
  }
  for (const set of sets) expect(set.for({ user: "alice" }).tryAcquire().successful).toBe(false);
  // Sets that are redefined stay where they are.
  for (const set of sets.slice(0, 20)) set.redefine([{ ...limits[0]!, capacity: 2 }]);
  for (const set of sets.slice(0, 20)) expect(set.for({ user: "bob" }).tryAcquire().successful).toBe(true);
  for (const set of sets) set.close();
  sets = Array.from({ length: 300 }, make);
  for (const set of sets) expect(set.for({ user: "alice" }).tryAcquire().successful).toBe(true);
  for (const set of sets) set.close();
});

test("a set that no memory could hold says what to do", () => {
  const limits = Array.from(
    { length: 400 },
    (_, i) => new CallLimit({ key: `${i}`, capacity: 1, windowMs: 1000, per: `${i}` }),
  );
  expect(() => new LimitSet({ limits })).toThrow(
    "give sets with `per` a smaller partitions.max, or close() those that are done",
  );
});
