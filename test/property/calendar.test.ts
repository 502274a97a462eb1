/** Histories of limits of the calendar, against counts by the date or the hour that the local clock shows. */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { type Acquisition, LimitSet, RateLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { count, report, runs, TIMEOUT_MS } from "./settings.ts";

const CAPACITY = 10;
const HOUR_MS = 3_600_000;

const ZONES = ["UTC", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"];

/** The window of a moment, by a name that no other window has. */
function nameOf(every: "day" | "month", timeZone: string, at: number): string {
  const date = new Intl.DateTimeFormat("en-US", {
    timeZone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
  });
  const [month, , day, , year] = date.formatToParts(at).map(({ value }) => value);
  return every === "day" ? `${year}-${month}-${day}` : `${year}-${month}`;
}

type Step =
  | { readonly kind: "take"; readonly amount: number }
  | { readonly kind: "release"; readonly which: number; readonly usage: number }
  | { readonly kind: "advance"; readonly ms: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("take" as const), amount: fc.integer({ min: 1, max: CAPACITY }) }),
    fc.record({
      kind: fc.constant("release" as const),
      which: fc.nat(),
      usage: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ kind: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 30 * HOUR_MS }) }),
  ),
  { minLength: 20, maxLength: 60 },
);

const histories = fc.record({
  every: fc.constantFrom("day" as const, "month" as const),
  timeZone: fc.constantFrom(...ZONES),
  // Days around changes come often: the whole of 2011 has the day that Apia left out.
  start: fc.integer({ min: Date.UTC(2011, 0, 1), max: Date.UTC(2028, 0, 1) }),
  steps,
});

afterAll(() => report("calendar"));

test(
  "each window grants its capacity, less what is not given back, and tells when it ends",
  () => {
    fc.assert(
      fc.property(histories, ({ every, timeZone, start, steps }) => {
        const clock = new ManualClock(start);
        const limit = new RateLimit({
          key: "x",
          capacity: CAPACITY,
          every,
          timeZone,
          algorithm: "fixed-window",
        });
        const limits = new LimitSet({ limits: [limit], clock, shared: false });
        const now = () => nameOf(every, timeZone, clock.now());
        const used = new Map<string, number>();
        const open: { acquisition: Acquisition<"x">; amount: number; window: string }[] = [];
        for (const step of steps) {
          count();
          if (step.kind === "advance") {
            clock.advance(step.ms);
          } else if (step.kind === "take") {
            const acquisition = limits.tryAcquire({ x: step.amount });
            const before = used.get(now()) ?? 0;
            expect(acquisition.successful).toBe(before + step.amount <= CAPACITY);
            if (acquisition.successful) {
              used.set(now(), before + step.amount);
              open.push({ acquisition, amount: step.amount, window: now() });
            } else {
              const end = clock.now() + acquisition.retryAfterMs;
              expect(nameOf(every, timeZone, end)).not.toBe(now());
              expect(nameOf(every, timeZone, end - 1)).toBe(now());
            }
          } else if (open.length > 0) {
            const [{ acquisition, amount, window }] = open.splice(step.which % open.length, 1) as [
              (typeof open)[0],
            ];
            const usage = Math.round(step.usage * amount);
            acquisition.update({ x: usage });
            acquisition.release();
            if (window === now()) used.set(window, used.get(window)! - amount + usage);
          }
          expect(limits.stats().x.used).toBe(used.get(now()) ?? 0);
        }
        for (const { acquisition } of open) {
          acquisition.update({ x: 0 });
          acquisition.release();
        }
        limits.close();
      }),
      runs(150),
    );
  },
  TIMEOUT_MS,
);
