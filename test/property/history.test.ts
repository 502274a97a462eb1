import fc from "fast-check";
import { afterAll, it } from "vitest";
import { definitionSets, startsUs } from "./definitions.ts";
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
  fc.assert(property, runs(10_000));
});
