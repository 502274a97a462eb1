/** Workers and limits for the tests; the workers stop when the test ends. */
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import type { Running, StopOptions, WorkerMode, WorkerOptions } from "limitset/worker";
import { onTestFinished } from "vitest";
import { Crew } from "./crew.js";

export const MODES = ["sync", "async", "thread", "process"] as const;
export const ELSEWHERE = ["thread", "process"] as const;

const HOUR_MS = 3_600_000;

/** Limits per hour. No fixed windows: one might end during the test. */
export function makeLimits({ db = 2, tokens = 1000, calls = 1000 } = {}) {
  const limits = new LimitSet({
    limits: [
      new ResourceLimit({ key: "db", capacity: db }),
      new RateLimit({ key: "tokens", capacity: tokens, windowMs: HOUR_MS, algorithm: "sliding-window" }),
      new CallLimit({ capacity: calls, windowMs: HOUR_MS, algorithm: "sliding-window" }),
    ],
  });
  onTestFinished(() => limits.close());
  return limits;
}

/** A running `Crew`, stopped when the test ends. */
export function crew<const M extends WorkerMode>(
  options: WorkerOptions<Crew, M>,
  name?: string,
): Running<Crew, M> {
  const initializer = Crew.options(options) as unknown as { init(name?: string): Running<Crew, M> };
  return stopped(initializer.init(name));
}

export function stopped<T extends { stop(options?: StopOptions): Promise<void> }>(worker: T): T {
  onTestFinished(() => worker.stop({ timeoutMs: 0 }).catch(() => {}));
  return worker;
}
