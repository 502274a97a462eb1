import fc from "fast-check";
import { expect, it } from "vitest";
import { DebtModel } from "./debt.ts";
import { Replay } from "./replay.ts";
import { runs, TIMEOUT_MS } from "./settings.ts";

// The oracle bounds its refunds by low-water marks, of which it has any number. That such a refund is the same as to strike the
// unused part out of the history is not obvious, so it is compared with just that.

const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(30), fc.nat(1_000_000)), { maxLength: 60, size: "max" });

it("a refund leaves the debt that there would be had the unused part never been asked", {
  timeout: TIMEOUT_MS,
}, () => {
  let refunds = 0;
  let bounded = 0;
  const property = fc.property(
    fc.integer({ min: 1, max: 40 }),
    fc.constantFrom(10n, 1000n, 999_983n),
    steps,
    (size, windowUs, history) => {
      const capacity = BigInt(size);
      const model = new DebtModel({ capacity, windowUs, ceiling: capacity, shaper: false });
      const replay = new Replay(capacity, windowUs);
      const live: { id: number; n: bigint }[] = [];
      let now = 1_000_000n;
      let lastId = 0;
      for (const [kind, amount, fraction] of history) {
        const n = BigInt(amount % size) + 1n;
        if (kind < 4) {
          if (model.ready(now, n).least > now) continue;
          const id = ++lastId;
          model.take(now, n, id);
          replay.add(now, n, id);
          live.push({ id, n });
        } else if (kind < 7) {
          const [taken] = live.splice(fraction % Math.max(1, live.length), 1);
          if (!taken) continue;
          const unused = (taken.n * BigInt(amount)) / 30n;
          const before = model.debtAt(now);
          model.giveBack(now, unused, taken.id);
          replay.strike(unused, taken.id);
          refunds++;
          if (before - model.debtAt(now) < unused * windowUs) bounded++;
        } else if (kind === 7) {
          model.charge(now, n);
          replay.add(now, n, 0);
        } else {
          now += (windowUs * BigInt(fraction)) / (kind === 8 ? 1_000_000n : 10_000_000n);
        }
        if (model.debtAt(now) !== replay.debtAt(now))
          throw new Error(`debt ${model.debtAt(now)}, replayed ${replay.debtAt(now)}`);
      }
    },
  );
  fc.assert(property, runs(3000));
  // The case that matters, a refund smaller than the unused part, must have come up.
  expect(bounded).toBeGreaterThan(refunds / 20);
});
