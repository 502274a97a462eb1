/** Histories in which a limit is defined anew at random moments, against a model in exact fractions that knows no state of the core. */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { type Acquisition, type Inherit, LimitSet, RateLimit, RateLimitAlgorithm } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { ceilDiv, max, min } from "./model.ts";
import { count, report, runs, TIMEOUT_MS } from "./settings.ts";

const ALGORITHMS = Object.values(RateLimitAlgorithm);
const MODES: readonly Inherit[] = ["used", "available", "proportional", "fresh"];
const MOST = 1n << 26n;
const START_US = 1_750_000_000_000_000n;

interface Rule {
  readonly algorithm: RateLimitAlgorithm;
  readonly capacity: number;
  readonly burst: number;
  readonly windowUs: number;
}

type Step =
  | { readonly kind: "take"; readonly n: number; readonly waitUs: number; readonly usedShare: number }
  | { readonly kind: "release"; readonly which: number; readonly waitUs: number }
  | { readonly kind: "change"; readonly rule: Rule; readonly mode: Inherit; readonly waitUs: number };

/** What happened to the limit: the model is a fold over it, so that a request that used less can be replayed as one that asked for less. */
type Event =
  | { readonly kind: "take"; readonly at: bigint; readonly id: number; readonly n: bigint }
  | { readonly kind: "change"; readonly at: bigint; readonly rule: Rule; readonly mode: Inherit };

/** A fixed count, a list of grants, or a debt of `debt / parts` units. */
class Model {
  rule: Rule;
  #debt = 0n;
  #parts = 1n;
  #at = 0n;
  #grants: { readonly at: bigint; n: bigint }[] = [];
  #count = 0n;
  #end = 0n;

  constructor(rule: Rule) {
    this.rule = rule;
    this.#parts = partsOf(rule);
  }

  get ceiling(): bigint {
    return ceilingOf(this.rule);
  }

  used(now: bigint): bigint {
    this.#settle(now);
    if (this.rule.algorithm === "fixed-window") return this.#count;
    if (this.rule.algorithm === "sliding-window") return this.#grants.reduce((sum, { n }) => sum + n, 0n);
    return ceilDiv(this.#debt, this.#parts);
  }

  grants(now: bigint, n: bigint): boolean {
    const used = this.used(now);
    return this.rule.algorithm === "leaky-bucket" ? used === 0n : used + n <= this.ceiling;
  }

  take(now: bigint, n: bigint): void {
    this.#settle(now);
    if (n === 0n) return;
    this.#count += n;
    this.#grants.push({ at: now, n });
    this.#debt += n * this.#parts;
  }

  change(now: bigint, rule: Rule, mode: Inherit): void {
    const used = this.used(now);
    const [before, after] = [this.ceiling, ceilingOf(rule)];
    const old = this.rule;
    const wanted = {
      used,
      available: max(0n, used + after - before),
      proportional: ceilDiv(used * after, before),
      fresh: 0n,
    }[mode];
    const [debt, parts, grants, end] = [this.#debt, this.#parts, this.#grants, this.#end];
    this.rule = rule;
    this.#parts = partsOf(rule);
    this.#debt = wanted * this.#parts;
    if (isDebt(old) && isDebt(rule) && (mode === "used" || mode === "available")) {
      const shift = mode === "available" ? (after - before) * parts : 0n;
      this.#debt = ceilDiv(max(0n, debt + shift) * this.#parts, parts);
    }
    this.#grants = wanted > 0n ? [{ at: now, n: wanted }] : [];
    if (old.algorithm === "sliding-window" && rule.algorithm === "sliding-window" && mode !== "fresh") {
      this.#grants = [];
      let rest = wanted;
      for (const { at, n } of grants.toReversed()) {
        if (rest > 0n) this.#grants.unshift({ at, n: min(n, rest) });
        rest -= min(n, rest);
      }
      if (rest > 0n) this.#grants.push({ at: now, n: rest });
    }
    this.#count = wanted;
    const keepsEnd = old.algorithm === rule.algorithm && old.windowUs === rule.windowUs && mode !== "fresh";
    this.#end = keepsEnd ? end : endOf(rule, now);
  }

  #settle(now: bigint): void {
    const { algorithm, windowUs } = this.rule;
    if (isDebt(this.rule)) {
      this.#debt = max(0n, this.#debt - (now - this.#at) * rateOf(this.rule));
    } else if (algorithm === "sliding-window") {
      this.#grants = this.#grants.filter(({ at }) => at + BigInt(windowUs) > now);
    } else if (now >= this.#end) {
      this.#count = 0n;
      this.#end = endOf(this.rule, now);
    }
    this.#at = now;
  }
}

function isDebt({ algorithm }: Rule): boolean {
  return algorithm !== "sliding-window" && algorithm !== "fixed-window";
}

/** In how many parts a unit of debt is counted: so that each microsecond leaks a whole number of them. */
function partsOf({ capacity, windowUs }: Rule): bigint {
  return BigInt(windowUs) / common(BigInt(capacity), BigInt(windowUs));
}

function rateOf({ capacity, windowUs }: Rule): bigint {
  return BigInt(capacity) / common(BigInt(capacity), BigInt(windowUs));
}

function common(a: bigint, b: bigint): bigint {
  return b === 0n ? a : common(b, a % b);
}

function ceilingOf({ algorithm, burst, capacity }: Rule): bigint {
  return BigInt(algorithm === "gcra" ? burst : capacity);
}

function endOf({ windowUs }: Rule, now: bigint): bigint {
  return now + BigInt(windowUs) - (now % BigInt(windowUs));
}

function replay(first: Rule, events: readonly Event[]): Model {
  const model = new Model(first);
  for (const event of events) {
    if (event.kind === "take") model.take(event.at, event.n);
    else model.change(event.at, event.rule, event.mode);
  }
  return model;
}

function limitOf({ algorithm, capacity, burst, windowUs }: Rule): RateLimit<"x"> {
  const more = algorithm === "gcra" ? { burst } : {};
  return new RateLimit({ key: "x", algorithm, capacity, windowMs: windowUs / 1000, ...more });
}

/** Small limits; and some whose full bucket has about 61 bits, so that they are narrow or wide. */
const scales = [
  {
    capacities: fc.integer({ min: 1, max: 200 }),
    windows: fc.oneof(
      fc.constantFrom(1_000_000, 2_000_000, 3_000_001),
      fc.integer({ min: 1, max: 5_000_000 }),
    ),
  },
  {
    capacities: fc.integer({ min: 2 ** 24, max: 1.5 * 2 ** 24 }),
    windows: fc.integer({ min: 2 ** 36, max: 2 ** 38 }),
  },
] as const;
const sizes = fc.integer({ min: 1, max: 2 ** 25 });
const rulesOf = ({ capacities, windows }: (typeof scales)[number]): fc.Arbitrary<Rule> =>
  fc
    .record({
      algorithm: fc.constantFrom(...ALGORITHMS),
      capacity: capacities,
      share: fc.integer({ min: 60, max: 100 }),
      windowUs: windows,
    })
    .map(({ share, ...rule }) => ({
      ...rule,
      burst: Math.max(1, Math.floor((rule.capacity * share) / 100)),
    }));
const waits = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 50 }),
  fc.integer({ min: 0, max: 1_500_000 }),
);
const stepsOf = (rules: fc.Arbitrary<Rule>): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("take" as const),
        n: sizes,
        waitUs: waits,
        usedShare: fc.integer({ min: 0, max: 100 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("release" as const), which: fc.nat(20), waitUs: waits }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("change" as const),
        rule: rules,
        mode: fc.constantFrom(...MODES),
        waitUs: waits,
      }),
    },
  );

const histories = fc
  .constantFrom(scales[0], scales[0], scales[1])
  .chain((scale) =>
    fc.tuple(rulesOf(scale), fc.array(stepsOf(rulesOf(scale)), { minLength: 2, maxLength: 24, size: "max" })),
  );

afterAll(() => report("redefine"));

/** Plays a history. With `refunds`, acquisitions use less than they asked for; without, each uses all. */
function play(first: Rule, history: readonly Step[], refunds: boolean): void {
  const clock = new ManualClock(Number(START_US / 1000n));
  const set = new LimitSet({ limits: [limitOf(first)], clock });
  let now = START_US;
  let [id, isExact] = [0, true];
  let events: Event[] = [];
  const open: { acquisition: Acquisition<"x">; id: number; used: number }[] = [];
  let rule = first;
  for (const step of history) {
    count();
    now += BigInt(step.waitUs);
    clock.set(Number(now) / 1000);
    const model = replay(first, events);
    if (step.kind === "change") {
      set.redefine([limitOf(step.rule)], { inherit: step.mode });
      rule = step.rule;
      events.push({ kind: "change", at: now, rule, mode: step.mode });
    } else if (step.kind === "take") {
      const n = 1 + ((step.n - 1) % Number(ceilingOf(rule)));
      const acquisition = set.tryAcquire({ x: n });
      if (isExact) expect(acquisition.successful).toBe(model.grants(now, BigInt(n)));
      // Never more than the model lets pass, whatever has come back.
      else if (acquisition.successful) expect(model.grants(now, BigInt(n))).toBe(true);
      if (!acquisition.successful) continue;
      events.push({ kind: "take", at: now, id, n: BigInt(n) });
      open.push({ acquisition, id, used: refunds ? Math.floor((n * step.usedShare) / 100) : n });
      id++;
    } else if (open.length > 0) {
      const [{ acquisition, id: which, used }] = open.splice(step.which % open.length, 1) as [
        (typeof open)[0],
      ];
      acquisition.update({ x: used });
      acquisition.release();
      // As if it had asked for no more: the state of the set is never below that.
      if (refunds) isExact = false;
      events = events.map((event) =>
        event.kind === "take" && event.id === which ? { ...event, n: BigInt(used) } : event,
      );
    }
    const used = BigInt(set.stats().x.used);
    const expected = replay(first, events).used(now);
    // Debts are counted up to some bits only: a share of next to nothing may become more.
    if (expected > MOST) break;
    if (isExact) expect(used).toBe(expected);
    else expect(used).toBeGreaterThanOrEqual(expected);
  }
  set.close();
}

test("every change of every kind carries over exactly what the definition says", {
  timeout: TIMEOUT_MS,
}, () => {
  fc.assert(
    fc.property(histories, ([first, history]) => play(first, history, false)),
    runs(800),
  );
});

test("whatever comes back after changes, a set never has less in use than if the unused amounts had never been requested", {
  timeout: TIMEOUT_MS,
}, () => {
  fc.assert(
    fc.property(histories, ([first, history]) => play(first, history, true)),
    runs(800),
  );
});
