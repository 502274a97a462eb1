import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { definitionSets, startsUs, wideSets } from "./definitions.ts";
import { histories, perform } from "./history.ts";
import { Lab } from "./lab.ts";
import { report, runs, TIMEOUT_MS } from "./settings.ts";

afterAll(() => report("retryAfterMs"));

/** The microseconds at which to try again before the last one, where there are too many to try all. */
const SAMPLES = 6;

it.each([
  ["a set", definitionSets],
  ["a set with wide limits", wideSets],
])(
  "a request that %s refuses passes after retryAfterMs, and at no microsecond before",
  {
    timeout: TIMEOUT_MS,
  },
  (_, sets) => {
    let probed = 0;
    const property = fc.property(sets, startsUs, histories(100), (definitions, startUs, history) => {
      const lab = new Lab({ definitions, startUs });
      for (const step of history) {
        lab.refused = undefined;
        perform(lab, step);
        const refused = lab.refused as Lab["refused"];
        if (refused === undefined) continue;
        const { named, readyUs } = refused;
        const from = lab.readingUs;
        const fractions = Array.from({ length: SAMPLES }, (_, i) => ((step[3] * (i + 1)) % 1024) / 1024);
        const times =
          readyUs - from <= SAMPLES
            ? Array.from({ length: readyUs - from }, (_, i) => from + i)
            : fractions.map((part) => from + Math.floor((readyUs - from) * part));
        for (const us of [...times, readyUs - 1]) {
          if (lab.moveTo(us) && lab.take(named)) lab.fail(`passed ${readyUs - us} us before it should`);
        }
        if (lab.moveTo(readyUs) && !lab.take(named)) lab.fail("refused after retryAfterMs");
        probed++;
      }
      lab.close();
    });
    fc.assert(property, runs(1000));
    expect(probed).toBeGreaterThan(1000);
  },
);
