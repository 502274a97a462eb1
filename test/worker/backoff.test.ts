import { afterEach, expect, test, vi } from "vitest";
import { type Backoff, type RetryAlgorithm, waitBefore } from "../../src/worker/backoff.ts";

const waits = (algorithm: RetryAlgorithm, options: Partial<Backoff> = {}, count = 7) =>
  Array.from({ length: count }, (_, i) =>
    waitBefore(i + 1, { algorithm, waitMs: 100, maxWaitMs: 1_000_000, jitter: 0, ...options }),
  );

afterEach(() => void vi.restoreAllMocks());

test.each([
  ["exponential", [100, 200, 400, 800, 1600, 3200, 6400]],
  ["linear", [100, 200, 300, 400, 500, 600, 700]],
  ["fibonacci", [100, 100, 200, 300, 500, 800, 1300]],
] as const)("%s", (algorithm, expected) => {
  expect(waits(algorithm)).toEqual(expected);
  expect(waits(algorithm, { maxWaitMs: 450 })).toEqual(expected.map((ms) => Math.min(ms, 450)));
  expect(waits(algorithm, { waitMs: 0 })).toEqual(expected.map(() => 0));
});

test.each(["exponential", "linear", "fibonacci"] as const)(
  "%s stays at the longest wait for ever",
  (algorithm) => {
    for (const retry of [1_000, 1e6, 1e9]) {
      expect(waitBefore(retry, { algorithm, waitMs: 100, maxWaitMs: 500, jitter: 0 })).toBe(500);
      expect(waitBefore(retry, { algorithm, waitMs: 0, maxWaitMs: 500, jitter: 0 })).toBe(0);
    }
  },
);

test("jitter shortens a wait by up to its fraction", () => {
  const random = vi.spyOn(Math, "random").mockReturnValue(0.5);
  expect(waits("linear", { jitter: 0.4 }, 3)).toEqual([80, 160, 240]);
  expect(waits("linear", { jitter: 1 }, 3)).toEqual([50, 100, 150]);
  random.mockReturnValue(0);
  expect(waits("linear", { jitter: 1 }, 3)).toEqual([100, 200, 300]);
});
