import { describe, expect, it } from "vitest";
import { type Definition, OracleSet, type Reservation, waitMs } from "./oracle.ts";

// The oracle is the judge of all other tests here, so it is judged first itself: by numbers that were worked out by hand.

type Algorithm = Definition["algorithm"];

function limit(
  algorithm: Algorithm,
  capacity: number,
  windowMs: number,
  more: Partial<Definition> = {},
): Definition {
  const type = algorithm === "none" ? "resource" : "rate";
  const windowUs = windowMs * 1000;
  return {
    key: "k",
    type,
    algorithm,
    capacity,
    windowUs,
    burst: capacity,
    unit: 1,
    overage: "error",
    ...more,
  };
}

/** A set whose times are milliseconds: it answers with a reservation, or with the wait. */
class Asked {
  readonly set: OracleSet;
  constructor(...definitions: Definition[]) {
    this.set = new OracleSet(definitions);
  }

  take(ms: number, named: Record<string, number>): Reservation | number {
    const reading = BigInt(Math.round(ms * 1000));
    const amounts = this.set.amounts(
      Object.fromEntries(Object.entries(named).map(([key, n]) => [key, BigInt(n)])),
    );
    if (amounts === undefined) throw new Error("invalid request");
    const { mayGrant, mayRefuse, now, ready } = this.set.judge(reading, amounts);
    if (mayGrant === mayRefuse) throw new Error("no exact answer");
    if (mayGrant) return this.set.take(reading, amounts);
    return Math.max(...ready.map((range) => (range ? waitMs(reading, now, range.most) : 0)));
  }

  release(ms: number, reservation: Reservation | number, used?: number): void {
    if (typeof reservation === "number") throw new Error("was refused");
    if (used !== undefined) reservation.reported[0] = BigInt(used);
    this.set.release(BigInt(ms * 1000), reservation);
  }

  available(ms: number, limit = 0): number {
    const { least, most } = this.set.used(BigInt(Math.round(ms * 1000)), limit);
    if (least !== most) throw new Error("not exact");
    return this.set.definitions[limit]!.capacity - Number(most);
  }
}

const GRANTED = "granted";
type Row = readonly [ms: number, amount: number, verdict: typeof GRANTED | number];

/** Time, amount, verdict: granted, or how long to wait in milliseconds. */
const tables: [string, Definition, Row[]][] = [
  [
    "token bucket: whole",
    limit("token-bucket", 10, 1000),
    [
      [0, 5, GRANTED],
      [0, 5, GRANTED],
      [0, 1, 100],
    ],
  ],
  [
    "token bucket: refills at once and evenly",
    limit("token-bucket", 10, 1000),
    [
      [0, 10, GRANTED],
      [99.999, 1, 0.001],
      [150, 1, GRANTED],
      [199.999, 1, 0.001],
      [200, 1, GRANTED],
    ],
  ],
  [
    "token bucket: five of twenty after a quarter",
    limit("token-bucket", 20, 2000),
    [[0, 20, GRANTED], ...Array.from({ length: 5 }, (): Row => [500, 1, GRANTED]), [500, 1, 100]],
  ],
  [
    "gcra: as the bucket with the default burst",
    limit("gcra", 10, 100),
    [...Array.from({ length: 10 }, (): Row => [0, 1, GRANTED]), [0, 1, 10]],
  ],
  [
    "gcra: part of a unit",
    limit("gcra", 5, 2000),
    [
      [0, 5, GRANTED],
      [0, 1, 400],
      [500, 1, GRANTED],
      [500, 1, 300],
    ],
  ],
  [
    "gcra: burst of one",
    limit("gcra", 10, 1000, { burst: 1 }),
    [
      [0, 1, GRANTED],
      [0, 1, 100],
      [100, 1, GRANTED],
      [150, 1, 50],
      [200, 1, GRANTED],
    ],
  ],
  [
    "leaky bucket: spaced by what was granted",
    limit("leaky-bucket", 10, 1000),
    [
      [0, 1, GRANTED],
      [0, 1, 100],
      [99, 10, 1],
      [100, 4, GRANTED],
      [100, 1, 400],
      [500, 1, GRANTED],
    ],
  ],
  [
    "sliding window: the first half expires first",
    limit("sliding-window", 10, 1000),
    [
      [0, 5, GRANTED],
      [500, 5, GRANTED],
      [500, 1, 500],
      [999.999, 1, 0.001],
      [1000, 6, 500],
      [1000, 5, GRANTED],
      [1000, 1, 500],
    ],
  ],
  [
    "fixed window: aligned to the epoch",
    limit("fixed-window", 10, 1000),
    [
      [990, 10, GRANTED],
      [990, 1, 10],
      [1000, 10, GRANTED],
      [2500, 10, GRANTED],
      [2500, 10, 500],
      [3000, 10, GRANTED],
    ],
  ],
  [
    // 2^40 / 86,400,000,000 = 12.73 units a microsecond.
    "token bucket: a tebibyte a day, to the unit",
    limit("token-bucket", 2 ** 40, 86_400_000),
    [
      [0, 2 ** 40, GRANTED],
      [0.001, 13, 0.001],
      [0.001, 12, GRANTED],
      [0.002, 14, 0.001],
      [0.002, 13, GRANTED],
    ],
  ],
  [
    "a clock that steps back: waits are told from its reading",
    limit("token-bucket", 10, 1000),
    [
      [1000, 10, GRANTED],
      [400, 1, 700],
      [1099, 1, 1],
      [1100, 1, GRANTED],
    ],
  ],
  [
    "a resource waits for a release",
    limit("none", 2, 1),
    [
      [0, 2, GRANTED],
      [9999, 1, Number.POSITIVE_INFINITY],
    ],
  ],
];

describe("the oracle against tables worked by hand", () => {
  it.each(tables)("%s", (_name, definition, rows) => {
    const asked = new Asked(definition);
    for (const [ms, amount, verdict] of rows) {
      const answer = asked.take(ms, { k: amount });
      expect([ms, amount, typeof answer === "number" ? answer : GRANTED]).toEqual([ms, amount, verdict]);
    }
  });

  it("gives nothing back when the bucket has been full since", () => {
    const asked = new Asked(limit("token-bucket", 100, 1000));
    const first = asked.take(0, { k: 100 });
    asked.take(1000, { k: 100 });
    asked.release(1000, first, 0);
    expect(asked.available(1000)).toBe(0);
  });

  it("gives back unused amounts, and keeps the refill since then", () => {
    const asked = new Asked(limit("token-bucket", 100, 1000));
    asked.release(10, asked.take(0, { k: 100 }), 40);
    expect(asked.available(10)).toBe(61);
  });

  it("bounds a refund by the lowest debt since, and lowers the bound of the others", () => {
    const asked = new Asked(limit("token-bucket", 100, 1000));
    const first = asked.take(0, { k: 100 });
    // At 900 ms 10 are still owed: either of the two can get back only its own part of these.
    const second = asked.take(900, { k: 50 });
    asked.release(900, first, 0);
    expect(asked.available(900)).toBe(50);
    asked.release(900, second, 0);
    expect(asked.available(900)).toBe(100);
  });

  it("refunds neither windows nor shapers", () => {
    for (const algorithm of ["sliding-window", "fixed-window", "leaky-bucket"] as const) {
      const asked = new Asked(limit(algorithm, 100, 1000));
      asked.release(0, asked.take(0, { k: 100 }), 0);
      expect(asked.available(0)).toBe(0);
    }
  });

  it("charges usage above the request at release", () => {
    const asked = new Asked(limit("token-bucket", 100, 1000, { overage: "debt" }));
    asked.release(500, asked.take(0, { k: 100 }), 150);
    expect(asked.available(500)).toBe(0);
    expect(asked.take(500, { k: 1 })).toBe(10);
  });

  it("takes from all limits or none, and waits for the slowest", () => {
    const asked = new Asked(
      limit("token-bucket", 10, 1000, { key: "a" }),
      limit("fixed-window", 5, 3000, { key: "b" }),
    );
    asked.take(0, { a: 10, b: 4 });
    expect(asked.take(0, { a: 1, b: 2 })).toBe(3000);
    expect(asked.take(0, { a: 1, b: 1 })).toBe(100);
    expect(asked.available(0, 1)).toBe(1);
  });

  it("leaves no trace of a refusal, not even in time", () => {
    const asked = new Asked(limit("token-bucket", 10, 1000), limit("none", 1, 1, { key: "slots" }));
    asked.take(0, { k: 1 });
    asked.take(5000, { k: 1 });
    expect(asked.set.latest).toBe(0n);
    expect(asked.available(50)).toBe(9);
    expect(asked.available(100)).toBe(10);
  });
});
