import { describe, expect, onTestFinished, test } from "vitest";
import { allOrNothing } from "./cases/all-or-nothing.ts";
import { backfilling } from "./cases/backfilling.ts";
import { calendar } from "./cases/calendar.ts";
import { changing } from "./cases/changing.ts";
import { contract } from "./cases/contract.ts";
import { deadlock } from "./cases/deadlock.ts";
import { debt } from "./cases/debt.ts";
import { definitions } from "./cases/definitions.ts";
import { emptySet } from "./cases/empty-set.ts";
import { exactness } from "./cases/exactness.ts";
import { fixedWindow } from "./cases/fixed-window.ts";
import { fullPartitions } from "./cases/full-partitions.ts";
import { gcra } from "./cases/gcra.ts";
import { infinity } from "./cases/infinity.ts";
import { initial } from "./cases/initial.ts";
import { leakyBucket } from "./cases/leaky-bucket.ts";
import { names } from "./cases/names.ts";
import { nesting } from "./cases/nesting.ts";
import { order } from "./cases/order.ts";
import { partitions } from "./cases/partitions.ts";
import { partitionsRedefined } from "./cases/partitions-redefined.ts";
import { pausing } from "./cases/pausing.ts";
import { peeking } from "./cases/peeking.ts";
import { redefining } from "./cases/redefining.ts";
import { refunds } from "./cases/refunds.ts";
import { requests } from "./cases/requests.ts";
import { resources } from "./cases/resources.ts";
import { scopes } from "./cases/scopes.ts";
import { settlement } from "./cases/settlement.ts";
import { severalLimits } from "./cases/several-limits.ts";
import { shadows } from "./cases/shadows.ts";
import { slidingWindow } from "./cases/sliding-window.ts";
import { statistics } from "./cases/statistics.ts";
import { steppingBack } from "./cases/stepping-back.ts";
import { tiers } from "./cases/tiers.ts";
import { timeouts } from "./cases/timeouts.ts";
import { tokenBucket } from "./cases/token-bucket.ts";
import { totals } from "./cases/totals.ts";
import { unsuccessful } from "./cases/unsuccessful.ts";
import { waiting } from "./cases/waiting.ts";
import type { Body, Create, Harness, Need, Registrar, Theme } from "./harness.ts";

const THEMES: Readonly<Record<string, Theme>> = {
  definitions,
  "token bucket": tokenBucket,
  GCRA: gcra,
  "leaky bucket": leakyBucket,
  "sliding window": slidingWindow,
  "fixed window": fixedWindow,
  resources,
  exactness,
  "a clock that steps back": steppingBack,
  requests,
  names,
  "infinite capacities": infinity,
  "initial amounts": initial,
  "windows of the calendar": calendar,
  "all or nothing": allOrNothing,
  "several limits of one metric": severalLimits,
  settlement,
  debt,
  refunds,
  scopes,
  refusals: unsuccessful,
  statistics,
  waiting,
  timeouts,
  order,
  "waiting that delays nobody": backfilling,
  peeking,
  nesting,
  deadlock,
  "changing limits": changing,
  "other limits": redefining,
  totals,
  partitions,
  "other limits of partitions": partitionsRedefined,
  "tiers of partitions": tiers,
  "waiters behind a pause": pausing,
  "names without a place": fullPartitions,
  "shadow limits": shadows,
  "the empty set": emptySet,
  contract,
};

/** The names of all themes. */
export const THEME_NAMES: readonly string[] = Object.keys(THEMES);

const REASONS: Readonly<Record<Need, string>> = {
  sync: "this backend answers in a later turn",
  timers: "the test cannot see the timers of this backend",
  blocking: "no thread can block for this backend",
  changes: "this backend has no methods yet that change limits, and no totals",
  partitions: "no limit of this backend may have `per` yet: it has no partitions",
  partitionsRedefined: "limits of partitions are fixed here yet",
  redefines: "the limits of this backend are fixed yet",
  warnings: "this backend has no onWarning, or does not see the body of run",
};

/** Registers the whole suite for one backend. */
export function conformance(name: string, harness: Harness): void {
  describe(name, () => {
    const titles = new Set<string>();
    let skipped: string | undefined;
    const registrar: Registrar = {
      capabilities: harness.capabilities,
      it(title: string, second: readonly Need[] | Body, third?: Body) {
        const [needs, body] = typeof second === "function" ? [[], second] : [second, third!];
        if (titles.has(title)) throw new Error(`two cases are called "${title}"`);
        titles.add(title);
        const reason = skipped ?? harness.skips?.[title] ?? missing(harness, needs);
        test(title, async (context) => {
          if (reason !== undefined) context.skip(reason);
          expect.hasAssertions();
          await body(creator(harness));
        });
      },
    };
    for (const [theme, register] of Object.entries(THEMES)) {
      describe(theme, () => {
        skipped = harness.skippedThemes?.[theme];
        register(registrar);
      });
    }
    test("every skip names a case", () => {
      expect(Object.keys(harness.skips ?? {}).filter((title) => !titles.has(title))).toEqual([]);
      expect(Object.keys(harness.skippedThemes ?? {}).filter((theme) => !(theme in THEMES))).toEqual([]);
    });
  });
}

function missing(harness: Harness, needs: readonly Need[]): string | undefined {
  const need = needs.find((candidate) => !harness.capabilities[candidate]);
  return need && REASONS[need];
}

function creator(harness: Harness): Create {
  return async (limits, options = {}) => {
    const subject = await harness.create({ ...options, limits: limits ?? [] });
    onTestFinished(() => subject.close());
    return subject;
  };
}
