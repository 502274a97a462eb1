import fc from "fast-check";
import { afterAll, it } from "vitest";
import { ALGORITHMS, capacities, singleRate, singleWide, startsUs } from "./definitions.ts";
import { Lab } from "./lab.ts";
import { ceilingOf } from "./oracle.ts";
import { report, runs, TIMEOUT_MS } from "./settings.ts";

afterAll(() => report("idle limits"));

it.each(ALGORITHMS)(
  "%s: all of it can be asked of an idle limit, and nothing more then",
  { timeout: TIMEOUT_MS },
  (algorithm) => {
    const property = fc.property(
      fc.oneof(singleRate(algorithm), singleWide(algorithm)),
      startsUs,
      fc.nat(1_000_000),
      (definition, startUs, later) => {
        const lab = new Lab({ definitions: [definition], startUs });
        const { key, windowUs } = definition;
        const all = { [key]: Number(ceilingOf(definition)) };
        for (let round = 0; round < 3; round++) {
          if (!lab.take(all)) lab.fail("refused although idle");
          // A microsecond can refill a whole unit and more, but no time has passed.
          if (lab.take({ [key]: 1 })) lab.fail("granted although exhausted");
          if (!lab.moveTo(lab.readingUs + windowUs + later * round)) break;
        }
        lab.close();
      },
    );
    fc.assert(property, runs(2000));
  },
);

it.each(ALGORITHMS.filter((one) => one !== "leaky-bucket"))(
  "%s: one by one as well",
  { timeout: TIMEOUT_MS },
  (algorithm) => {
    const small = capacities.filter((capacity) => capacity <= 1000);
    const property = fc.property(singleRate(algorithm), small, startsUs, (definition, capacity, startUs) => {
      const lab = new Lab({ definitions: [{ ...definition, capacity, burst: capacity }], startUs });
      for (let i = 0; i < capacity; i++)
        if (!lab.take({ [definition.key]: 1 })) lab.fail(`refused number ${i}`);
      if (lab.take({ [definition.key]: 1 })) lab.fail("granted although exhausted");
      lab.close();
    });
    fc.assert(property, runs(200));
  },
);
