import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { startsUs } from "./definitions.ts";
import { Lab } from "./lab.ts";
import type { Definition } from "./oracle.ts";
import { report, runs, TIMEOUT_MS } from "./settings.ts";
import { CORE_ENTRIES } from "./windows.ts";

afterAll(() => report("sliding log"));

const definitions = fc
  .record({
    capacity: fc.constantFrom(150, 400, 1000, 100_000, 1e12),
    windowUs: fc.constantFrom(150, 1000, 6400, 100_000, 999_983, 1_000_000, 60_000_000, 86_400_000_000),
    overage: fc.constantFrom("error", "debt"),
  })
  .map(({ capacity, windowUs, overage }): Definition => {
    const algorithm = "sliding-window";
    return { key: "k", type: "rate", algorithm, capacity, windowUs, burst: capacity, unit: 1, overage };
  });

const steps = fc.array(fc.tuple(fc.nat(15), fc.nat(1023), fc.nat(1023)), {
  minLength: 100,
  maxLength: 900,
  size: "max",
});

// How many takes fit a window on average; the gaps between them vary.
const densities = fc.constantFrom(40, 120, 128, 200, 500, 3000);

it("a full log never admits early, and at most a 64th of a window late", { timeout: TIMEOUT_MS }, () => {
  let beyond = 0;
  let within = 0;
  let late = 0;
  const property = fc.property(
    definitions,
    startsUs,
    densities,
    steps,
    (definition, startUs, density, history) => {
      const lab = new Lab({ definitions: [definition], startUs });
      const { capacity, windowUs, overage } = definition;
      const most = Math.max(1, Math.floor((2 * capacity) / density));
      for (const [kind, size, gap] of history) {
        if (kind < 12) {
          lab.moveTo(lab.readingUs + Math.max(1, Math.round((gap / 512) * (windowUs / density))));
          lab.take({ k: Math.min(capacity, 1 + (size % most)) });
        } else if (kind === 12) {
          // Several takes at one time are one entry.
          for (let i = 0; i < 3; i++) lab.take({ k: Math.min(capacity, 1 + (size % most)) });
        } else if (kind === 13 && lab.refused) {
          lab.moveTo(Math.max(lab.readingUs, lab.refused.readyUs));
          lab.take(lab.refused.named);
        } else if (kind === 14) {
          const held = lab.held[size % Math.max(1, lab.held.length)];
          if (held === undefined) continue;
          const asked = Number(held.reservation.amounts[0]);
          lab.update(held, { k: overage === "debt" ? asked + (gap % most) : Math.floor(asked / 2) });
          lab.release(held);
        } else if (gap < 64) lab.moveTo(lab.readingUs + Math.floor((windowUs / 32) * gap));
        lab.checkStats();
        const { least, most: upper } = lab.oracle.used(BigInt(lab.readingUs), 0);
        if (least === upper) within++;
        else beyond++;
        if (lab.usedUnits(0) > Number(least)) late++;
      }
      lab.close();
    },
  );
  fc.assert(property, runs(400));
  // Both sides of the bound, and entries that outlived their window, must have come up.
  expect(Math.min(beyond, within)).toBeGreaterThan(CORE_ENTRIES);
  expect(late).toBeGreaterThan(0);
});
