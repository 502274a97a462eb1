import fc from "fast-check";
import { afterAll, it } from "vitest";
import { definitionSets, startsUs } from "./definitions.ts";
import { histories, play } from "./history.ts";
import { report, runs, TIMEOUT_MS } from "./settings.ts";

afterAll(() => report("both kinds of memory"));

it("shared and private memory give the same answers", { timeout: TIMEOUT_MS }, () => {
  const property = fc.property(definitionSets, startsUs, histories(160), (definitions, startUs, history) => {
    const [one, other] = [true, false].map((shared) => play({ definitions, startUs, shared }, history));
    const expected = one!.answers.flat();
    const got = other!.answers.flat();
    if (got.length !== expected.length) throw new Error(`${got.length} answers, and ${expected.length}`);
    for (const [i, answer] of got.entries()) {
      if (!Object.is(answer, expected[i]))
        other!.fail(`answer ${i} is ${answer}, and ${expected[i]} in shared memory`);
    }
  });
  fc.assert(property, runs(1000));
});
