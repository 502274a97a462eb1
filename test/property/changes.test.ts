/** Histories in which limits are paused, resumed, charged, lowered and reset, and some are shadows, against the oracle and its own counts. */
import fc from "fast-check";
import { afterAll, it } from "vitest";
import { definitionSets, startsUs } from "./definitions.ts";
import { histories, perform, type Step } from "./history.ts";
import { Lab } from "./lab.ts";
import { ceilingOf } from "./oracle.ts";
import { report, runs, TIMEOUT_MS } from "./settings.ts";

afterAll(() => report("changes"));

const VERBS = ["pause", "resume", "lower", "reset", "charge"] as const;
const shares = fc.constantFrom(0, 0, 0.5, 1);

function change(lab: Lab, [kind, pick, , fraction]: Step): void {
  const verb = VERBS[kind % VERBS.length]!;
  const pauseUs = fraction > 1000 ? Number.POSITIVE_INFINITY : fraction * 100;
  const numbers = lab.definitions.map((definition, i) => {
    if (((pick >> i) & 1) === 0) return -1;
    if (verb === "pause") return pauseUs;
    // Beyond 2^53 the units in use are no whole number of JavaScript's any more.
    if (verb === "charge" && definition.capacity > 2 ** 48) return -1;
    return Math.floor(
      (Number(ceilingOf(definition)) / 1024) * (verb === "charge" ? fraction / 16 : fraction),
    );
  });
  lab.change(verb, numbers);
}

it("every answer and every total of a set whose limits are changed is the oracle's", {
  timeout: TIMEOUT_MS,
}, () => {
  const property = fc.property(
    definitionSets,
    startsUs,
    histories(110),
    fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }),
    shares,
    (sets, startUs, history, shadows, share) => {
      const definitions = sets.map((one, i) => ({ ...one, shadow: shadows[i]! < 4 * share }));
      const lab = new Lab({ definitions, startUs, missingUpdate: "charge" });
      try {
        for (const step of history) {
          if (step[2] % 4 === 3) change(lab, step);
          else perform(lab, step);
          lab.checkStats();
        }
        for (const held of [...lab.held]) lab.release(held);
        lab.checkStats();
      } finally {
        lab.close();
      }
    },
  );
  fc.assert(property, runs(2000));
});
