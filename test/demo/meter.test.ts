import { describe, expect, test } from "vitest";
import { Meter } from "../../examples/llm/meter.js";
import { TokenBucket } from "../../examples/llm/token-bucket.js";

let time = 0;
const now = () => time;

describe("the API's bucket", () => {
  const bucket = () => {
    time = 1_000;
    return new TokenBucket({ capacity: 10, windowMs: 1_000 }, now);
  };

  test("starts full and refills continuously up to its capacity", () => {
    const b = bucket();
    expect(b.level).toBe(10);
    b.take(10);
    expect(b.waitMs(1)).toBeCloseTo(100);
    time += 250;
    expect(b.level).toBeCloseTo(2.5);
    time += 10_000;
    expect(b.level).toBe(10);
  });

  test("tells the time until an amount is available", () => {
    const b = bucket();
    expect(b.waitMs(10)).toBe(0);
    b.take(4);
    expect(b.waitMs(6)).toBe(0);
    expect(b.waitMs(10)).toBeCloseTo(400);
    expect(b.waitMs(11)).toBe(Number.POSITIVE_INFINITY);
  });

  test("keeps the amounts that were taken when its size changes", () => {
    const b = bucket();
    b.take(8);
    b.change({ capacity: 5, windowMs: 1_000 });
    expect(b.level).toBe(-3);
    expect(b.waitMs(1)).toBeCloseTo(800);
    b.change({ capacity: 20, windowMs: 1_000 });
    expect(b.level).toBe(12);
  });

  test("takes back unused amounts, up to its capacity", () => {
    const b = bucket();
    b.take(8);
    b.giveBack(5);
    expect(b.level).toBe(7);
    b.giveBack(5);
    expect(b.level).toBe(10);
  });
});

describe("the API's meter", () => {
  const meter = () => {
    time = 1_000;
    return new Meter(
      {
        calls: { capacity: 3, windowMs: 1_000 },
        inputTokens: { capacity: 100, windowMs: 1_000 },
        outputTokens: { capacity: 50, windowMs: 1_000 },
        connections: 2,
      },
      now,
    );
  };

  test("names the limit that a request exceeds, and charges nothing for it", () => {
    const m = meter();
    expect(m.enter(101, 1)).toEqual({ limit: "input_tokens", retryAfterMs: Number.POSITIVE_INFINITY });
    expect(m.enter(100, 30)).toBeUndefined();
    expect(m.enter(0, 30)).toEqual({ limit: "output_tokens", retryAfterMs: expect.closeTo(200) });
    expect(m.enter(0, 20)).toBeUndefined();
    m.leave(0);
    m.leave(0);
    time += 1; // the refused request was not charged for a call: one is left
    expect(m.enter(0, 0)).toBeUndefined();
    expect(m.enter(0, 0)?.limit).toBe("call_count");
  });

  test("counts requests in progress", () => {
    const m = meter();
    m.enter(1, 1);
    m.enter(1, 1);
    expect(m.enter(1, 1)?.limit).toBe("connections");
    m.leave(0);
    expect(m.enter(1, 1)).toBeUndefined();
    expect(m.peak).toBe(2);
  });

  test("settles output when the answer is complete", () => {
    const m = meter();
    expect(m.enter(1, 50)).toBeUndefined();
    expect(m.enter(1, 40)?.limit).toBe("output_tokens");
    m.leave(40);
    expect(m.enter(1, 40)).toBeUndefined();
  });
});
