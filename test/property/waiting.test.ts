import { describe, expect, test } from "vitest";
import { runs, TIMEOUT_MS } from "./settings.ts";
import { waitingHistories } from "./waiting-histories.ts";
import { play, randomScript, type Taste } from "./waiting-script.ts";

const { seed: SEED, numRuns: RUNS } = runs(25);
const seeds = Array.from({ length: RUNS ?? 0 }, (_, i) => SEED + i);

describe("the rule of waiting", () => {
  waitingHistories(seeds);

  test.each<[string, Taste]>([
    ["", {}],
    [" or paused", { pauses: true }],
  ])(
    "lets every waiter go in the end, whatever is held%s meanwhile",
    { timeout: TIMEOUT_MS },
    async (_, taste) => {
      let nested = 0;
      for (const seed of seeds) {
        const script = randomScript(seed, { ...taste, nested: true, clings: true, ticks: 10_000 });
        const { left, grants } = await play(script);
        expect(left, `seed ${seed}`).toBe(0);
        nested += script.arrivals.filter(({ id, parent }) => parent !== undefined && grants.has(id)).length;
      }
      expect(nested).toBeGreaterThan(seeds.length / 2);
    },
  );

  test("grants no waiter later because of those that passed it", { timeout: TIMEOUT_MS }, async () => {
    let passed = 0;
    for (const seed of seeds.slice(0, seeds.length / 2)) {
      const script = randomScript(seed);
      const { grants } = await play(script);
      const arrivalOf = (id: number) => script.arrivals[id]!.tick;
      const passedBy = (id: number) =>
        [...grants].filter(([other, tick]) => other < id && tick > grants.get(id)!).map(([other]) => other);
      const passing = [...grants.keys()].filter((id) => passedBy(id).length > 0).slice(0, 4);
      for (const id of passing) {
        const without = await play(script, id);
        for (const other of passedBy(id)) {
          expect(arrivalOf(other)).toBeLessThanOrEqual(arrivalOf(id));
          const alone = without.grants.get(other) ?? Number.POSITIVE_INFINITY;
          expect(grants.get(other), `seed ${seed}: ${other} is passed by ${id}`).toBeLessThanOrEqual(alone);
          passed++;
        }
      }
    }
    expect(passed).toBeGreaterThan(seeds.length);
  });
});
