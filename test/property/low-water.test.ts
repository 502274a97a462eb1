import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import type { DebtModel } from "./debt.ts";
import { startsUs } from "./definitions.ts";
import { Lab } from "./lab.ts";
import type { Definition } from "./oracle.ts";
import { report, runs, TIMEOUT_MS } from "./settings.ts";

afterAll(() => report("low-water marks"));

const definitions = fc
  .record({
    algorithm: fc.constantFrom("token-bucket", "gcra"),
    // The last capacity makes the limit wide with all of these windows but the shortest.
    capacity: fc.constantFrom(7, 100, 1000, 1_000_000, 281_474_976_710_597),
    windowUs: fc.constantFrom(1000, 999_983, 1_000_000, 60_000_000),
    tight: fc.boolean(),
    overage: fc.constantFrom("error", "debt"),
  })
  .map(({ algorithm, capacity, windowUs, tight, overage }): Definition => {
    const burst = algorithm === "gcra" && tight ? Math.ceil(capacity / 3) : capacity;
    return { key: "k", type: "rate", algorithm, capacity, windowUs, burst, unit: 1, overage };
  });

const steps = (maxLength: number) =>
  fc.array(fc.tuple(fc.nat(9), fc.nat(1023), fc.nat(1023)), { maxLength, size: "max" });

function take(lab: Lab, size: number): boolean {
  const { burst } = lab.definitions[0]!;
  // Most takes are small: they leave many marks before the bucket is empty.
  const wanted = size % 8 === 0 ? (burst / 1024) * size : (burst / 16384) * size;
  return lab.take({ k: Math.min(burst, 1 + Math.floor(wanted)) });
}

function settle(lab: Lab, pick: number, fraction: number): void {
  const held = lab.held[pick % Math.max(1, lab.held.length)];
  if (held === undefined) return;
  const asked = Number(held.reservation.amounts[0]);
  const over = lab.definitions[0]!.overage === "debt" && fraction % 16 === 0;
  lab.update(held, { k: over ? asked + 1 + (pick % 5) : Math.floor((asked / 1024) * fraction) });
  lab.release(held);
}

/** Steps of time in which a part of the bucket refills. */
function wait(lab: Lab, part: number): void {
  lab.moveTo(lab.readingUs + Math.ceil(lab.definitions[0]!.windowUs * part));
}

it("refunds are exact with up to four takes since the bucket was full", { timeout: TIMEOUT_MS }, () => {
  const property = fc.property(definitions, startsUs, steps(120), (definition, startUs, history) => {
    const lab = new Lab({ definitions: [definition], startUs });
    const model = lab.oracle.models[0] as DebtModel;
    let takes = 0;
    for (const [kind, size, fraction] of history) {
      if (model.debtAt(BigInt(lab.readingUs)) === 0n) takes = 0;
      if (kind < 4) {
        if (takes < 4 && take(lab, size)) takes++;
        else if (takes === 4) wait(lab, 1.01 * (fraction % 3));
      } else if (kind < 7) settle(lab, size, fraction);
      else wait(lab, fraction / 4096);
      if (!model.exact) throw new Error("meant to stay within four marks");
      lab.checkStats();
    }
    lab.close();
  });
  fc.assert(property, runs(1500));
});

it("with more the set is strict, never generous, and never stricter than without refunds", {
  timeout: TIMEOUT_MS,
}, () => {
  let exact = 0;
  let equal = 0;
  let stricter = 0;
  const property = fc.property(definitions, startsUs, steps(300), (definition, startUs, history) => {
    const lab = new Lab({ definitions: [definition], startUs });
    const model = lab.oracle.models[0] as DebtModel;
    for (const [kind, size, fraction] of history) {
      if (kind < 5) take(lab, size);
      else if (kind < 7) settle(lab, size, fraction);
      else if (kind < 9) wait(lab, fraction / 65536);
      else wait(lab, fraction / 2048);
      lab.checkStats();
      if (model.exact) exact++;
      else if (lab.usedUnits(0) === Number(lab.oracle.used(BigInt(lab.readingUs), 0).least)) equal++;
      else stricter++;
    }
    lab.close();
  });
  fc.assert(property, runs(800));
  console.info(`four marks were enough ${exact} times; else ${equal} equal, ${stricter} stricter`);
  expect(stricter).toBeGreaterThan(0);
});
