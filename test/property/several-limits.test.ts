/**
 * Several limits of one metric, against a set in which each limit has a metric of its own and every request names all of them: the two
 * must give the same answers to any history.
 */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { type Acquisition, LimitSet, RateLimit, type RateLimitAlgorithm } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { count, report, runs, TIMEOUT_MS } from "./settings.ts";

const ALGORITHMS: readonly RateLimitAlgorithm[] = [
  "token-bucket",
  "gcra",
  "leaky-bucket",
  "sliding-window",
  "fixed-window",
];

const METRICS = ["a", "b"] as const;

const limit = fc.record({
  metric: fc.constantFrom(...METRICS),
  capacity: fc.integer({ min: 1, max: 20 }),
  windowMs: fc.constantFrom(100, 1000, 1500, 60_000),
  algorithm: fc.constantFrom(...ALGORITHMS),
});

const amounts = fc.record({ a: fc.integer({ min: 0, max: 8 }), b: fc.integer({ min: 0, max: 8 }) });

const step = fc.oneof(
  fc.record({ kind: fc.constant("take" as const), amounts }),
  fc.record({ kind: fc.constant("peek" as const), amounts }),
  fc.record({ kind: fc.constant("wait" as const), amounts }),
  fc.record({ kind: fc.constant("settle" as const), which: fc.nat(), used: amounts }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 900 }) }),
);

type Amounts = Readonly<Record<string, number>>;

/** A set, and the names by which it takes the amounts of the two metrics. */
interface Side {
  readonly set: LimitSet<string>;
  readonly named: (amounts: Amounts) => Amounts;
  readonly held: Acquisition<string>[];
}

/** What both sides answered, in words that do not depend on the names of metrics. */
function answerOf(acquisition: Acquisition<string>) {
  const { successful, retryAfterMs, limitedBy, ahead } = acquisition;
  return { successful, retryAfterMs, limitedBy, ahead };
}

function settle(acquisition: Acquisition<string>, usage: Amounts): void {
  const { requested } = acquisition;
  const fitting = Object.entries(usage).map(([name, used]) => [name, Math.min(used, requested[name] ?? 0)]);
  acquisition.update(Object.fromEntries(fitting));
  acquisition.release();
}

afterAll(() => report("several limits of one metric"));

test(
  "a set with several limits of a metric answers as one whose requests name each limit",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(limit, { minLength: 1, maxLength: 5 }),
        fc.array(step, { minLength: 25, maxLength: 80 }),
        async (specs, steps) => {
          const clock = new ManualClock(1_800_000_000_000);
          const keyOf = (i: number) => `limit ${i}`;
          const make = (counts: (metric: string, i: number) => string) =>
            new LimitSet<string>({
              clock,
              limits: specs.map(
                ({ metric, ...rest }, i) =>
                  new RateLimit<string, string>({ key: keyOf(i), counts: counts(metric, i), ...rest }),
              ),
            });
          // The least capacity of each metric: more could never pass.
          const most = (metric: string) =>
            Math.min(...specs.filter((each) => each.metric === metric).map(({ capacity }) => capacity));
          const clamped = (asked: Amounts): Amounts =>
            Object.fromEntries(
              METRICS.filter((metric) => specs.some((each) => each.metric === metric)).map((metric) => [
                metric,
                Math.min(asked[metric]!, most(metric)),
              ]),
            );
          const sides: readonly Side[] = [
            { set: make((metric) => metric), named: clamped, held: [] },
            {
              set: make((_, i) => keyOf(i)),
              named: (asked) => {
                const metrics = clamped(asked);
                return Object.fromEntries(specs.map(({ metric }, i) => [keyOf(i), metrics[metric]!]));
              },
              held: [],
            },
          ];
          const same = <T>(what: (side: Side) => T) => {
            const [one, other] = sides.map(what);
            expect(one).toEqual(other);
          };
          for (const each of steps) {
            count();
            if (each.kind === "take") {
              same(({ set, named, held }) => {
                const acquisition = set.tryAcquire(named(each.amounts));
                if (acquisition.successful) held.push(acquisition);
                return answerOf(acquisition);
              });
            } else if (each.kind === "peek") {
              same(({ set, named }) => set.peek(named(each.amounts)));
            } else if (each.kind === "wait") {
              for (const { set, named, held } of sides) {
                set.acquire(named(each.amounts)).then(
                  (acquisition) => held.push(acquisition),
                  () => {},
                );
              }
            } else if (each.kind === "settle") {
              for (const { named, held } of sides) {
                const [acquisition] = held.splice(each.which % Math.max(1, held.length), 1);
                if (acquisition) settle(acquisition, named(each.used));
              }
            } else {
              await clock.advance(each.ms);
            }
            await Promise.resolve();
            same(({ held }) => held.length);
            same(({ set }) => [set.stats(), set.waiting]);
          }
          for (const { set } of sides) set.close();
        },
      ),
      runs(300),
    );
  },
  TIMEOUT_MS,
);
