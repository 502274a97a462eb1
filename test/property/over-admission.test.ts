import fc from "fast-check";
import { afterAll, it } from "vitest";
import { type Acquisition, LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import {
  ALGORITHMS,
  type Algorithm,
  amountOf,
  singleRate,
  singleWide,
  startsUs,
  toDefinitions,
  toLimit,
} from "./definitions.ts";
import { END_OF_TIME_US } from "./lab.ts";
import type { Definition } from "./oracle.ts";
import { count, report, runs, TIMEOUT_MS } from "./settings.ts";

// The bound of each algorithm, in terms of the grants alone: no model of its state is needed to see that it was kept.

afterAll(() => report("over-admission"));

/** A grant of a set, in units and microseconds; `net` is the usage. */
interface Granted {
  /** In the set's time. */
  readonly time: bigint;
  /** Which piece of time between two windows of the wall clock it is in. A clock that is put back begins no new one. */
  readonly piece: number;
  readonly asked: bigint;
  net: bigint;
}

type Bound = (grants: readonly Granted[], definition: Definition) => void;

/** From any grant to any later one, no more than a full bucket and the refill in between. */
const bucketHolds: Bound = (grants, { algorithm, capacity, burst, windowUs }) => {
  const [C, W] = [BigInt(capacity), BigInt(windowUs)];
  const full = BigInt(algorithm === "gcra" ? burst : capacity) * W;
  for (let first = 0; first < grants.length; first++) {
    let sum = 0n;
    for (const { time, net } of grants.slice(first)) {
      sum += net;
      const allowed = full + C * (time - grants[first]!.time);
      if (sum * W > allowed) throw new Error(`${sum} from grant ${first} on until ${time}`);
    }
  }
};

/** The next grant comes only when the one before has leaked out. */
const spaced: Bound = (grants, { capacity, windowUs }) => {
  for (const [i, { time }] of grants.entries()) {
    const before = grants[i - 1];
    if (before === undefined) continue;
    if ((time - before.time) * BigInt(capacity) < before.asked * BigInt(windowUs))
      throw new Error(`too close at ${time}`);
  }
};

/** No window has more, wherever it ends. It is enough to look at windows that end with a grant. */
const everyWindow: Bound = (grants, { capacity, windowUs }) => {
  for (const end of grants) {
    const inside = grants.filter(({ time }) => time > end.time - BigInt(windowUs) && time <= end.time);
    const sum = inside.reduce((total, { asked }) => total + asked, 0n);
    if (sum > BigInt(capacity)) throw new Error(`${sum} in the window until ${end.time}`);
  }
};

const everyPiece: Bound = (grants, { capacity }) => {
  const sums = new Map<number, bigint>();
  for (const { piece, asked } of grants) {
    const sum = (sums.get(piece) ?? 0n) + asked;
    if (sum > BigInt(capacity)) throw new Error(`${sum} in piece ${piece}`);
    sums.set(piece, sum);
  }
};

const bounds: Record<Algorithm, Bound> = {
  "token-bucket": bucketHolds,
  gcra: bucketHolds,
  "leaky-bucket": spaced,
  "sliding-window": everyWindow,
  "fixed-window": everyPiece,
};

const TOLERANCE_US = 1_000_000;

/** The set's time, and the pieces of time between the boundaries of the wall clock's windows. */
class Pieces {
  now = 0;
  /** The time of the last grant. */
  latest = 0;
  piece = 0;
  readonly #windowUs: number;
  /** By how much the set's time is ahead of the clock. */
  ahead = 0;
  #number = 0;

  constructor(windowUs: number) {
    this.#windowUs = windowUs;
  }

  read(clock: number): void {
    const isBehind = this.latest - (clock + this.ahead) > TOLERANCE_US;
    this.now = Math.max(clock + this.ahead, this.latest);
    this.#turn(false);
    if (!isBehind) return;
    this.ahead = this.latest - clock;
    this.#turn(true);
  }

  #turn(goesOn: boolean): void {
    const number = Math.floor((this.now - this.ahead) / this.#windowUs);
    if (number !== this.#number && !goesOn) this.piece++;
    this.#number = number;
  }
}

const steps = fc.array(fc.tuple(fc.nat(19), fc.nat(15), fc.nat(1023)), { maxLength: 220, size: "max" });

/** Runs a greedy history: many requests, often at the very moment when one should pass, and many refunds. */
function grantsOf(
  definition: Definition,
  startUs: number,
  history: readonly (readonly [number, number, number])[],
): Granted[] {
  const clock = new ManualClock(startUs / 1000);
  const limits = new LimitSet({ limits: [toLimit(definition)], clock, shared: false });
  const grants: Granted[] = [];
  const live: { acquisition: Acquisition<string>; granted: Granted }[] = [];
  const { capacity, burst, windowUs } = definition;
  const ceiling = definition.algorithm === "gcra" ? burst : capacity;
  const pieces = new Pieces(windowUs);
  let wait = 0;
  for (const [kind, mode, fraction] of history) {
    count();
    const now = Math.round(clock.now() * 1000);
    if (kind < 10) {
      const sizes = [
        1,
        ceiling,
        Math.ceil((ceiling / 1024) * fraction),
        Math.ceil(ceiling / 2),
        1 + (fraction % 5),
      ];
      const asked = Math.min(ceiling, Math.max(1, sizes[mode % sizes.length]!));
      const acquisition = limits.tryAcquire({ [definition.key]: amountOf(definition, asked) });
      wait = acquisition.retryAfterMs;
      pieces.read(now);
      if (!acquisition.successful) continue;
      pieces.latest = pieces.now;
      const granted: Granted = {
        time: BigInt(pieces.now),
        piece: pieces.piece,
        asked: BigInt(asked),
        net: BigInt(asked),
      };
      grants.push(granted);
      live.push({ acquisition, granted });
    } else if (kind < 14) {
      const [one] = live.splice(fraction % Math.max(1, live.length), 1);
      if (one === undefined) continue;
      const used = mode < 8 ? 0 : Math.floor((Number(one.granted.asked) / 1024) * fraction);
      one.granted.net = BigInt(used);
      one.acquisition.update({ [definition.key]: amountOf(definition, used) });
      one.acquisition.release();
    } else {
      const pace = Math.ceil((windowUs / 1024 / (mode + 1)) * fraction);
      const back = Math.ceil((windowUs / 4096) * fraction);
      const to = kind < 17 ? now + Math.round(wait * 1000) : kind < 19 ? now + pace : Math.max(0, now - back);
      if (to + pieces.ahead > END_OF_TIME_US) break;
      clock.set(to / 1000);
    }
  }
  limits.close();
  return grants;
}

it.each(ALGORITHMS)("%s never admits too much", { timeout: TIMEOUT_MS }, (algorithm) => {
  const property = fc.property(singleRate(algorithm), startsUs, steps, (definition, startUs, history) => {
    bounds[algorithm](grantsOf({ ...definition, overage: "error" }, startUs, history), definition);
  });
  fc.assert(property, runs(400));
});

it.each(ALGORITHMS)("%s never admits too much of a wide limit", { timeout: TIMEOUT_MS }, (algorithm) => {
  const property = fc.property(singleWide(algorithm), startsUs, steps, (definition, startUs, history) => {
    bounds[algorithm](grantsOf({ ...definition, overage: "error" }, startUs, history), definition);
  });
  fc.assert(property, runs(400));
});

it("sliding-window never admits too much with a full log", { timeout: TIMEOUT_MS }, () => {
  const dense = fc.array(fc.tuple(fc.constant(0), fc.constantFrom(0, 4), fc.nat(1023)), {
    minLength: 1000,
    maxLength: 1000,
  });
  const property = fc.property(
    fc.integer({ min: 150, max: 2000 }),
    startsUs,
    dense,
    (capacity, startUs, history) => {
      const [definition] = toDefinitions([
        {
          type: "rate",
          algorithm: "sliding-window",
          capacity,
          windowUs: 1_000_000,
          burst: capacity,
          unit: 1,
          overage: false,
        },
      ]);
      // A take and a short step, over and over: several hundred takes in a window.
      const steps = history.flatMap(([kind, mode, fraction]) => [
        [kind, mode, fraction] as const,
        [17, 0, (fraction % 7) + 1] as const,
      ]);
      everyWindow(grantsOf(definition!, startUs, steps), definition!);
    },
  );
  fc.assert(property, runs(20));
});
