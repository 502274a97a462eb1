/** Several participants of one set, whose clocks step forward and back at random: never too much in the set's time, and never stopped. */
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { attachLimits, shareLimits } from "../../src/threads/index.ts";
import { rate } from "../conformance/tools.ts";
import { count, report, runs, TIMEOUT_MS } from "./settings.ts";

afterAll(() => report("clock steps"));

const START_MS = Date.UTC(2027, 0, 1);
const TOLERANCE_MS = 1000;
const [CAPACITY, WINDOW_MS] = [10, 5000];
const DAY_MS = 86_400_000;

/** One participant, with its part of the set's time as the documents define it. */
class Participant {
  readonly clock = new ManualClock(START_MS);
  ahead = 0;
  limits!: LimitSet<"x">;

  /** The set's time, if `latest` is the latest time in the state. */
  timeAt(latest: number): number {
    const now = this.clock.now();
    if (latest - (now + this.ahead) > TOLERANCE_MS) this.ahead = latest - now;
    return Math.max(now + this.ahead, latest);
  }
}

/** The bounds: a full bucket and the refill between two grants; or a full window, wherever it ends. */
const BOUNDS = {
  "token-bucket": (spanMs: number) => CAPACITY + (CAPACITY * spanMs) / WINDOW_MS,
  gcra: (spanMs: number) => CAPACITY + (CAPACITY * spanMs) / WINDOW_MS,
  "sliding-window": (spanMs: number) => (spanMs < WINDOW_MS ? CAPACITY : Number.POSITIVE_INFINITY),
  // Two windows of one clock, and one more for each step back.
  "fixed-window": () => Number.POSITIVE_INFINITY,
} as const;

const steps = fc.array(fc.tuple(fc.nat(2), fc.nat(9), fc.nat(9999)), { maxLength: 120, size: "max" });

it.each(Object.entries(BOUNDS))(
  "%s never admits too much while the clocks of three participants step, and goes on within one window after",
  { timeout: TIMEOUT_MS },
  (name, bound) => {
    const algorithm = name as keyof typeof BOUNDS;
    const property = fc.property(steps, (history) => {
      const all = [new Participant(), new Participant(), new Participant()];
      const [first, ...others] = all as [Participant, ...Participant[]];
      first.limits = new LimitSet({
        limits: [rate("x", CAPACITY, WINDOW_MS, { algorithm })],
        clock: first.clock,
      });
      const { handle } = shareLimits(first.limits);
      for (const other of others) other.limits = attachLimits(handle, { clock: other.clock });
      const grants: { time: number; units: number }[] = [];
      let latest = 0;
      for (const [who, kind, size] of history) {
        count();
        const participant = all[who]!;
        const { clock, limits } = participant;
        if (kind < 5) {
          const units = 1 + (size % CAPACITY);
          const time = participant.timeAt(latest);
          if (!limits.tryAcquire({ x: units }).successful) continue;
          grants.push({ time, units });
          latest = time;
        } else if (kind < 7) clock.advance(size);
        else if (kind < 8) clock.set(clock.now() - size);
        else clock.set(START_MS + (size - 5000) * DAY_MS);
      }
      for (const [i, { time: from }] of grants.entries()) {
        let sum = 0;
        for (const { time, units } of grants.slice(i)) {
          sum += units;
          if (sum > bound(time - from)) throw new Error(`${sum} in ${time - from} ms`);
        }
      }
      for (const { clock, limits } of all) {
        limits.stats();
        clock.advance(WINDOW_MS + TOLERANCE_MS);
        expect(limits.tryAcquire({ x: CAPACITY }).successful).toBe(true);
      }
      for (const { limits } of all) limits.close();
    });
    fc.assert(property, runs(300));
  },
);
