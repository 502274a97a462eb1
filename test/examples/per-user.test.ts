/** The example with users and addresses, on four threads: its server under load, and the books by which it judges the answers. */
import { describe, expect, test } from "vitest";
import { Account, type Entry } from "../../examples/per-user/ledger.js";
import { run } from "../../examples/per-user/run.js";
import { proves } from "../installed.ts";

const users = 2000;

test("four threads let pass exactly as many as the limits of all, of users and of addresses allow", async () => {
  // No call comes back while the test runs.
  const capacities = { all: 3000, user: 20, ip: 4, windowMs: 1e12 };
  const traffic = { addresses: 3000, users, requests: 6000, perSecond: 1e6 };
  const { passed, refused, granted, ...verdict } = await run({ threads: 4, capacities, traffic });
  expect({ passed, granted }).toEqual({ passed: 3000, granted: 3000 });
  expect(Math.min(refused.all, refused.per_user, refused.per_ip)).toBeGreaterThan(0);
  expect(verdict).toMatchObject({ beyond: 0, wronged: 0, strange: 0 });
}, 60_000);

const [addresses, title] = proves ? [200_000, "200,000"] : [8000, "8,000"];

test(`${title} addresses at four threads: 429 where due, never where not, and never more than 20,000 partitions`, async () => {
  const capacities = { all: 40_000, user: 20, ip: 10, windowMs: 10_000 };
  const traffic = { addresses, users, requests: 2 * addresses, perSecond: 10_000 };
  const { samples, ...verdict } = await run({ threads: 4, capacities, traffic });
  expect(verdict).toMatchObject({ beyond: 0, wronged: 0, strange: 0 });
  expect(verdict.passed).toBe(verdict.granted);
  expect(Math.min(verdict.refused.per_user, verdict.refused.per_ip)).toBeGreaterThan(0);
  expect(samples.filter(({ isShared }) => isShared)).toEqual([]);
  expect(Math.max(...samples.map(({ addresses }) => addresses))).toBeLessThanOrEqual(20_000);
  if (!proves) return;
  const half = samples[Math.floor(samples.length / 2)]!;
  expect(samples.at(-1)!.residentMb).toBeLessThan(1.15 * half.residentMb);
}, 300_000);

describe("the books of the load generator", () => {
  const account = (entries: readonly Entry[]) => {
    // Two at once, and one more every 500 ms.
    const one = new Account("calls", 2, 1000);
    for (const entry of entries) one.add(entry);
    return { beyond: one.beyond(), wronged: one.wronged(), refused: one.refused };
  };
  const passes = (sent: number, heard = sent + 1): Entry => ({ sent, heard, limitedBy: [] });
  const refused = (sent: number, heard = sent + 1, key = "calls"): Entry => ({
    ...{ sent, heard },
    limitedBy: [key],
  });
  const RIGHT = { beyond: 0, wronged: 0 };

  test("find what passed beyond the definition", () => {
    expect(account([passes(0), passes(10), passes(505)])).toMatchObject(RIGHT);
    expect(account([passes(0), passes(10), passes(480)])).toMatchObject({ beyond: 1 });
    expect(account([passes(0), passes(1), passes(2), passes(3)])).toMatchObject({ beyond: 2 });
  });

  test("find what was refused though there was room", () => {
    expect(account([refused(0)])).toMatchObject({ wronged: 1, refused: 1 });
    expect(account([passes(0), passes(1), refused(450)])).toMatchObject(RIGHT);
    expect(account([passes(0), passes(1), refused(550)])).toMatchObject({ beyond: 0, wronged: 1 });
    expect(account([passes(0), refused(0, 1, "another")])).toMatchObject({ wronged: 0, refused: 0 });
  });

  test("allow for what was under way at the same time", () => {
    // It may have been decided behind the second, which was heard later.
    expect(account([passes(0, 5), refused(6, 8), passes(7, 20)])).toMatchObject(RIGHT);
    // The second was sent when it had been answered.
    expect(account([passes(0, 5), refused(6, 8), passes(9, 20)])).toMatchObject({ wronged: 1 });
    // Sent long before its answer, it may have been decided long before.
    expect(account([passes(0), passes(1), passes(2, 600)])).toMatchObject(RIGHT);
  });
});
