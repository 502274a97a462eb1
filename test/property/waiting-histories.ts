/** Random histories of waiting on a set of any kind, against the rule of waiting written a second time. Time moves by hand. */
import { expect, test } from "vitest";
import { TIMEOUT_MS } from "./settings.ts";
import { type Open, play, playByRule, randomScript, type Taste } from "./waiting-script.ts";

const TASTES: readonly [string, Taste][] = [
  ["of plain requests", {}],
  ["with priorities", { priorities: true }],
  ["with nested requests", { nested: true }],
  ["with both", { nested: true, priorities: true }],
  ["with pauses and priorities", { pauses: true, priorities: true }],
  ["with all of these", { nested: true, pauses: true, priorities: true }],
];

/** Plays random scripts on the sets that `open` makes: each request is granted when the rule grants it, to the tick. */
export function waitingHistories(seeds: readonly number[], open?: Open): void {
  test.each(TASTES)(
    "random histories %s are decided as the rule decides them",
    { timeout: TIMEOUT_MS },
    async (_, taste) => {
      let waited = 0;
      for (const seed of seeds) {
        const script = randomScript(seed, taste);
        const [real, plain] = [await play(script, undefined, open), playByRule(script)];
        expect(Object.fromEntries(real.grants), `seed ${seed}`).toEqual(Object.fromEntries(plain.grants));
        waited += [...real.grants].filter(([id, tick]) => tick > script.arrivals[id]!.tick).length;
      }
      expect(waited).toBeGreaterThan(5 * seeds.length);
    },
  );
}
