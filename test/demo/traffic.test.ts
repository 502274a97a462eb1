import { describe, expect, test } from "vitest";
import { apiLimitsFor, maxTokens, underneath } from "../../examples/llm/api-limits.js";
import { percentile } from "../../examples/llm/summary.js";
import { parseTrace, TraceError } from "../../examples/llm/trace.js";
import { compress, generateTraffic, repeat } from "../../examples/llm/traffic.js";

const HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens";

describe("generated traffic", () => {
  const requests = generateTraffic(20_000, 1);
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

  test("has the shape of the recorded hour", () => {
    expect(mean(requests.map((r) => r.inputTokens))).toBeGreaterThan(1_050);
    expect(mean(requests.map((r) => r.inputTokens))).toBeLessThan(1_250);
    expect(mean(requests.map((r) => r.outputTokens))).toBeGreaterThan(195);
    expect(mean(requests.map((r) => r.outputTokens))).toBeLessThan(230);
    expect(Math.max(...requests.map((r) => r.inputTokens))).toBeLessThanOrEqual(14_050);
    expect(Math.max(...requests.map((r) => r.outputTokens))).toBeLessThanOrEqual(1_000);
    expect(requests.every((r, i) => i === 0 || r.at >= requests[i - 1]!.at)).toBe(true);
  });

  test("is the same for the same seed", () => {
    expect(generateTraffic(50, 7)).toEqual(generateTraffic(50, 7));
    expect(generateTraffic(50, 7)).not.toEqual(generateTraffic(50, 8));
  });
});

test("compress keeps the order and the proportions", () => {
  const at = (...times: number[]) => times.map((time) => ({ at: time, inputTokens: 1, outputTokens: 1 }));
  expect(compress(at(0, 10, 40), 20)).toEqual(at(0, 5, 20));
  expect(compress(at(0), 20)).toEqual(at(0));
  expect(repeat(at(0, 10, 20), 5)).toEqual(at(0, 10, 20, 30, 40, 50));
});

describe("a trace", () => {
  test("begins at 0, in order of arrival", () => {
    const text = `${HEADER}\r\n2023-11-16 18:15:47.5,2,20\r\n2023-11-16 18:15:46.25,1,10\r\n`;
    expect(parseTrace(text, "t.csv")).toEqual([
      { at: 0, inputTokens: 1, outputTokens: 10 },
      { at: 1250, inputTokens: 2, outputTokens: 20 },
    ]);
  });

  test.each([
    ["", "t.csv:1: expected the header"],
    ["a,b,c\n1,2,3", "t.csv:1: expected the header"],
    [`${HEADER}\n`, "t.csv:2: expected a request"],
    [`${HEADER}\n2023-11-16 18:15:46,1,2\n\n2023-11-16 18:15:46,1,2`, "t.csv:3: expected 3 columns"],
    [`${HEADER}\nyesterday,1,2`, "t.csv:2: TIMESTAMP must be like"],
    [`${HEADER}\n2023-11-16 18:15:46,1.5,2`, "t.csv:2: ContextTokens must be a whole number"],
    [`${HEADER}\n2023-11-16 18:15:46,1,-2`, "t.csv:2: GeneratedTokens must be a whole number"],
  ])("%j is refused by line", (text, message) => {
    expect(() => parseTrace(text, "t.csv")).toThrow(TraceError);
    expect(() => parseTrace(text, "t.csv")).toThrow(message);
  });
});

test("the client's limits lie 2 % under the API's and still fit every request", () => {
  for (const count of [1, 3, 200, 3_000]) {
    const requests = generateTraffic(count, count);
    const api = apiLimitsFor(requests, 15);
    const client = underneath(api);
    for (const limit of ["calls", "inputTokens", "outputTokens"] as const) {
      expect(client[limit].capacity).toBe(Math.max(1, Math.floor((api[limit].capacity * 98) / 100)));
    }
    expect(client.inputTokens.capacity).toBeGreaterThanOrEqual(
      Math.max(...requests.map((r) => r.inputTokens)),
    );
    expect(client.outputTokens.capacity).toBeGreaterThanOrEqual(Math.max(...requests.map(maxTokens)));
  }
});

test("percentiles are those of the nearest rank", () => {
  expect(percentile([], 50)).toBe(0);
  expect(percentile([3, 1, 2, 4], 50)).toBe(2);
  expect(percentile([3, 1, 2, 4], 99)).toBe(4);
});
