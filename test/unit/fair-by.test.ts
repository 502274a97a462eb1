/** Turns of partitions: one that has many waiters does not hold up one that has few. */
import { expect, test } from "vitest";
import { LimitSet, RateLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

test("with fairBy one waiter of a user is served in turn among ten thousand of another", async () => {
  const clock = new ManualClock();
  const limits = new LimitSet({
    limits: [
      new RateLimit({ key: "all", counts: "x", capacity: 1, windowMs: 1000 }),
      new RateLimit({ key: "each", counts: "x", capacity: 100_000, windowMs: 1000, per: "user" }),
    ],
    fairBy: "user",
    clock,
  });
  const [many, few] = [limits.for({ user: "many" }), limits.for({ user: "few" })];
  expect(many.tryAcquire({ x: 1 }).successful).toBe(true);
  const order: string[] = [];
  const ask = (view: typeof many, name: string) =>
    view.acquire({ x: 1 }).then(
      () => order.push(name),
      () => {},
    );
  for (let i = 0; i < 10_000; i++) void ask(many, "many");
  void ask(few, "few");
  for (let i = 0; i < 3; i++) {
    clock.advance(1000);
    await Promise.resolve();
  }
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(order).toEqual(["many", "few", "many"]);
  expect(limits.waiting).toBe(9998);
  limits.close();
});
