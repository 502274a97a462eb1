import fc from "fast-check";
import { afterAll, it } from "vitest";
import { ALGORITHMS, definitionSets, singleWide, startsUs, wideSets } from "./definitions.ts";
import { histories, play } from "./history.ts";
import { report, runs, TIMEOUT_MS } from "./settings.ts";

afterAll(() => report("histories"));

const missing = fc.constantFrom("throw", "charge");

it("every answer of a set is the oracle's", { timeout: TIMEOUT_MS }, () => {
  const property = fc.property(
    definitionSets,
    startsUs,
    missing,
    histories(160),
    (definitions, startUs, missingUpdate, history) => {
      play({ definitions, startUs, missingUpdate }, history);
    },
  );
  fc.assert(property, runs(7000));
});

it("every answer of a set with wide limits is the oracle's", { timeout: TIMEOUT_MS }, () => {
  const property = fc.property(
    wideSets,
    startsUs,
    missing,
    histories(160),
    (definitions, startUs, missingUpdate, history) => {
      play({ definitions, startUs, missingUpdate }, history);
    },
  );
  fc.assert(property, runs(2000));
});

it.each(ALGORITHMS)("every answer of one wide %s is the oracle's", { timeout: TIMEOUT_MS }, (algorithm) => {
  const property = fc.property(
    singleWide(algorithm),
    startsUs,
    missing,
    histories(200),
    (definition, startUs, missingUpdate, history) => {
      play({ definitions: [definition], startUs, missingUpdate }, history);
    },
  );
  fc.assert(property, runs(1000));
});
