/** Views that are kept go on by the nodes that they remember, though these have been given to other names: each answers as a set of its own. */
import { afterAll, expect, test } from "vitest";
import { type LimitLike, LimitSet, RateLimit, ResourceLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { dieOf } from "./die.ts";
import { count, report, SEED } from "./settings.ts";

afterAll(() => report("kept views"));

const ALGORITHMS = ["token-bucket", "gcra", "leaky-bucket", "sliding-window", "fixed-window"] as const;
/** So many names, of which only some have room at once. */
const NAMES = 60;
const ROOM = 24;
const BUSY = 12;

test.each(ALGORITHMS)(
  "kept views of %s answer as sets of their own, while their nodes change hands",
  (algorithm) => {
    for (let run = 0; run < 2; run++) {
      const die = dieOf(SEED + run);
      const clock = new ManualClock();
      const limitsOf = (per?: string): LimitLike[] => {
        const named = per === undefined ? {} : { per };
        return [
          new RateLimit({ key: "x", capacity: 10, windowMs: 50, algorithm, ...named }),
          new ResourceLimit({ key: "slots", capacity: 3, ...named }),
        ];
      };
      const set = new LimitSet<string>({
        limits: limitsOf("user"),
        partitions: { user: { max: ROOM } },
        clock,
      });
      const views = Array.from({ length: NAMES }, (_, i) => set.for({ user: `user ${i}` }));
      const alone = views.map(() => new LimitSet<string>({ limits: limitsOf(), clock, partitions: {} }));
      // Only a few names are in use at a time: so all of these have room.
      let from = 0;
      for (let step = 0; step < 600; step++) {
        if (die(40) === 0) {
          // All have recovered, and other names come.
          clock.advance(100);
          from = die(NAMES);
        }
        clock.advance(die(8));
        const i = (from + die(BUSY)) % NAMES;
        const [view, other] = [views[i]!, alone[i]!];
        const what = die(12);
        const request = { x: die(6) };
        if (what === 0) for (const each of [view, other]) each.reset(["x"]);
        else if (what === 1) for (const each of [view, other]) each.pause(1 + (step % 5), ["x"]);
        else if (what === 2) for (const each of [set, ...alone]) each.reset(["x"]);
        else {
          const [granted, expected] = [view.tryAcquire(request), other.tryAcquire(request)];
          const told = `seed ${SEED + run}, step ${step}`;
          expect([told, granted.successful, granted.retryAfterMs]).toEqual([
            told,
            expected.successful,
            expected.retryAfterMs,
          ]);
          if (granted.successful) {
            const used = die(request.x + 1);
            for (const each of [granted, expected]) {
              each.update({ x: used });
              each.release();
            }
          }
        }
        count();
      }
      expect(set.partitions["user"]!.count).toBeLessThanOrEqual(ROOM);
      for (const each of [set, ...alone]) each.close();
    }
  },
);

test("a view that has remembered its node follows a redefinition and a correction of the clock", () => {
  const clock = new ManualClock();
  const limit = (capacity: number) =>
    new RateLimit({ key: "x", capacity, windowMs: 60_000, algorithm: "fixed-window", per: "user" });
  const set = new LimitSet<string>({ limits: [limit(10)], clock });
  const view = set.for({ user: "alice" });
  const take = (x: number) => view.tryAcquire({ x }).successful;
  expect([take(4), take(4), take(4)]).toEqual([true, true, false]);
  set.redefine([limit(12)]);
  expect([take(3), take(2)]).toEqual([true, false]);
  clock.set(clock.now() - 5000);
  expect([take(1), take(1)]).toEqual([true, false]);
  expect(set.for({ user: "bob" }).tryAcquire({ x: 12 }).successful).toBe(true);
  expect(view.stats()["x"]!.available).toBe(0);
  set.close();
});
