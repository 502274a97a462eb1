/** A set with partitions, whose limits are redefined at random moments, answers as one ordinary set for each name and one for all. */
import { afterAll, expect, test } from "vitest";
import {
  type Acquisition,
  type Inherit,
  type LimitLike,
  LimitSet,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { attachLimits, shareLimits } from "../../src/threads/index.ts";
import { type Die, dieOf } from "./die.ts";
import { count, report, SEED, TIMEOUT_MS } from "./settings.ts";

afterAll(() => report("partitioned sets"));

const LONG = process.env["LIMITSET_LONG"] === "1";
const START_US = Date.UTC(2026, 0, 1) * 1000;
const MODES: readonly Inherit[] = ["used", "available", "proportional", "fresh"];
const ALGORITHMS = ["token-bucket", "gcra", "leaky-bucket", "sliding-window", "fixed-window"] as const;
/** The keys of all limits that there may be, with their dimensions. */
const POOL = [
  ["a0", undefined],
  ["a1", undefined],
  ["ra", undefined],
  ["u0", "user"],
  ["u1", "user"],
  ["ru", "user"],
  ["i0", "ip"],
  ["ri", "ip"],
] as const;

type Set = LimitSet<string>;
type Amounts = Readonly<Record<string, number>>;

function limitOf(die: Die, key: string, per: string | undefined): LimitLike {
  const named = per === undefined ? {} : { per };
  if (key.startsWith("r")) return new ResourceLimit({ key, capacity: 1 + die(6), ...named });
  const capacity = 1 + die(30);
  const algorithm = ALGORITHMS[die(ALGORITHMS.length)]!;
  const windowMs = [1, 50, 999.983, 10_000, 60_000][die(5)]!;
  const burst = algorithm === "gcra" ? { burst: 1 + die(capacity) } : {};
  return new RateLimit({
    key,
    counts: "x",
    capacity,
    windowMs,
    algorithm,
    ...burst,
    ...named,
    enforce: die(8) > 0,
  });
}

function someLimits(die: Die): LimitLike[] {
  const limits = POOL.filter(() => die(4) > 0).map(([key, per]) => limitOf(die, key, per));
  if (die(2) === 0) limits.reverse();
  return limits;
}

/** The sets of the oracle: one for limits of all, and one for each name. */
class Oracle {
  readonly #clock: ManualClock;
  #limits: readonly LimitLike[];
  readonly #sets = new Map<string, Set>();

  constructor(limits: readonly LimitLike[], clock: ManualClock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Those that a request of these names takes from. */
  of(names: Readonly<Record<string, string>>): Set[] {
    return [["", ""], ...Object.entries(names)].map(([dimension, name]) => this.#setOf(dimension!, name!));
  }

  every(): Iterable<Set> {
    return this.#sets.values();
  }

  redefine(limits: readonly LimitLike[], inherit: Inherit): void {
    this.#limits = limits;
    for (const [id, set] of this.#sets) {
      const dimension = id.split(" ")[0]!;
      const own = this.#limitsOf(dimension);
      // A dimension that ends forgets its partitions; and one that has recovered begins anew.
      const isRecovered = Object.values(set.stats()).every(
        ({ used, retryAfterMs }) => used <= 0 && retryAfterMs === 0,
      );
      if (dimension !== "" && (own.length === 0 || (inherit === "available" && isRecovered))) {
        set.close();
        this.#sets.delete(id);
      } else set.redefine(own, { inherit });
    }
  }

  #setOf(dimension: string, name: string): Set {
    const id = `${dimension} ${name}`;
    let set = this.#sets.get(id);
    if (!set) {
      set = new LimitSet<string>({ limits: this.#limitsOf(dimension), clock: this.#clock });
      this.#sets.set(id, set);
    }
    return set;
  }

  #limitsOf(dimension: string): LimitLike[] {
    return this.#limits
      .filter(({ per = "" }) => per === dimension)
      .map((limit) =>
        limit.type === "resource" ? new ResourceLimit(plain(limit)) : new RateLimit(plain(limit) as never),
      );
  }
}

function plain<T extends object>(limit: T): T {
  const { per: _, ...rest } = { ...limit } as T & { per?: unknown };
  return rest as unknown as T;
}

/** The part of a request that a set of the oracle takes. */
function partOf(set: Set, amounts: Amounts): Amounts {
  const metrics = set.keys.map((key) => (key.startsWith("r") ? key : "x"));
  return Object.fromEntries(Object.entries(amounts).filter(([metric]) => metrics.includes(metric)));
}

interface Held {
  readonly acquisition: Acquisition<string>;
  readonly parts: readonly Acquisition<string>[];
  readonly amounts: Amounts;
}

class Lab {
  readonly clock = new ManualClock(START_US / 1000);
  #limits: LimitLike[];
  readonly #sets: Set[];
  readonly #oracle: Oracle;
  readonly #die: Die;
  #held: Held[] = [];
  #micros = START_US;

  /** With more than one thread, each operation is one of any of them. */
  constructor(seed: number, threads: number) {
    const { clock } = this;
    this.#die = dieOf(seed);
    this.#limits = someLimits(this.#die);
    const set = new LimitSet<string, string, string>({ limits: this.#limits, clock });
    this.#sets = [set];
    const handle = threads > 1 ? shareLimits(set).handle : undefined;
    while (this.#sets.length < threads) this.#sets.push(attachLimits(handle!, { clock }));
    this.#oracle = new Oracle(this.#limits, this.clock);
  }

  step(): void {
    const die = this.#die;
    this.#micros += [0, 1, die(50), die(2_000), die(200_000), die(3_000_000)][Math.min(die(7), 5)]!;
    if (die(200) === 0) this.#micros += 3_600_000_000;
    this.clock.set(this.#micros / 1000);
    const roll = die(100);
    if (roll < 55) this.#take(roll < 8);
    else if (roll < 80) this.#release();
    else if (roll < 88) this.#compareStats();
    else if (roll < 94) this.#change();
    else if (roll < 97) this.#resetAll();
    else this.#redefine();
  }

  get #set(): Set {
    return this.#sets.length === 1 ? this.#sets[0]! : this.#sets[this.#die(this.#sets.length)]!;
  }

  close(): void {
    for (const set of this.#sets) set.close();
    for (const set of this.#oracle.every()) set.close();
  }

  get #names(): Readonly<Record<string, string>> {
    const die = this.#die;
    const dimensions = new Set(this.#limits.flatMap(({ per }) => (per === undefined ? [] : [per])));
    return Object.fromEntries(
      [...dimensions].map((dimension) => [dimension, `${dimension}${die(die(3) === 0 ? 3 : 40)}`]),
    );
  }

  #take(peeks: boolean): void {
    const die = this.#die;
    const names = this.#names;
    const amounts: Record<string, number> = {};
    for (const { key, type, capacity, burst } of this.#limits as readonly {
      key: string;
      type: string;
      capacity: number;
      burst?: number;
    }[]) {
      const metric = type === "resource" ? key : "x";
      const most = Math.min(burst ?? capacity, amounts[metric] ?? Number.POSITIVE_INFINITY);
      amounts[metric] = die(4) === 0 ? 0 : Math.min(most, 1 + die(5));
    }
    const sets = this.#oracle.of(names);
    const asked = sets.map((set) => set.peek(partOf(set, amounts)));
    const successful = asked.every((each) => each.successful);
    const limitedBy = asked.flatMap((each) => each.limitedBy);
    const retryAfterMs = Math.max(0, ...asked.map((each) => each.retryAfterMs));
    const set = this.#set;
    const ask = () => (peeks ? set.for(names).peek(amounts) : set.for(names).tryAcquire(amounts));
    let answer: ReturnType<typeof ask>;
    try {
      answer = ask();
    } catch {
      // By the limits that this thread knew the request could never pass. To look at the keys brings the others.
      void set.keys;
      answer = ask();
    }
    expect({
      successful: answer.successful,
      limitedBy: [...answer.limitedBy].sort(),
      retryAfterMs: answer.retryAfterMs,
    }).toEqual({ successful, limitedBy: limitedBy.sort(), retryAfterMs });
    if (peeks || !successful) return;
    const parts = sets.map((set) => set.tryAcquire(partOf(set, amounts)));
    this.#held.push({ acquisition: answer as Acquisition<string>, parts, amounts });
  }

  #release(): void {
    const die = this.#die;
    const [held] = this.#held.splice(die(2) === 0 ? this.#held.length - 1 : die(this.#held.length), 1);
    if (!held) return;
    const { acquisition, parts, amounts } = held;
    const x = die((amounts["x"] ?? 0) + 1);
    for (const each of [acquisition, ...parts]) {
      if (each.requested["x"] !== undefined) each.update({ x });
      each.release();
    }
  }

  #compareStats(): void {
    const names = this.#names;
    const expected = Object.assign({}, ...this.#oracle.of(names).map((set) => set.stats()));
    const stats = this.#set.for(names).stats();
    for (const key of this.#sets[0]!.keys) {
      const { used, available, retryAfterMs } = stats[key]!;
      const other = expected[key];
      expect([key, used, available, retryAfterMs]).toEqual([
        key,
        other.used,
        other.available,
        other.retryAfterMs,
      ]);
    }
  }

  /** A pause, its end, a charge, a lowering or a reset of what a view names. */
  #change(): void {
    const die = this.#die;
    const names = this.#names;
    const sets = this.#oracle.of(names).slice(1);
    const view = this.#set.for(names);
    const ms = die(5000);
    const kind = die(4);
    const key = POOL.find(
      ([each, per]) => per && each !== "ru" && each !== "ri" && this.#set.keys.includes(each),
    )?.[0];
    if (sets.length === 0) return;
    if (kind === 0) for (const each of [view, ...sets]) each.pause(ms);
    else if (kind === 1) for (const each of [view, ...sets]) each.resume();
    else if (kind === 2) for (const each of [view, ...sets]) each.reset();
    else if (key !== undefined)
      for (const each of [view, ...sets.filter((set) => set.keys.includes(key))])
        each.lower({ [key]: ms % 5 });
  }

  #resetAll(): void {
    this.#set.reset();
    for (const set of this.#oracle.every()) set.reset();
  }

  #redefine(): void {
    const die = this.#die;
    const inherit = MODES[die(MODES.length)]!;
    // Whether a shadow is paused does not show in its statistics.
    if (inherit === "available") for (const each of [this.#set, ...this.#oracle.every()]) each.resume();
    for (let times = die(3) === 0 ? 2 : 1; times > 0; times--) {
      this.#limits = someLimits(die);
      this.#set.redefine(this.#limits, { inherit });
      this.#oracle.redefine(this.#limits, inherit);
    }
  }
}

test.each([
  ["a set with partitions", 1],
  ["a set with partitions that three threads share", 3],
])(
  "%s that is redefined at random moments answers as one set for each name does",
  (_, threads) => {
    for (let i = 0; i < (LONG ? 400 : 40); i++) {
      const lab = new Lab(SEED + i, threads);
      for (let step = 0; step < 500; step++) {
        try {
          lab.step();
        } catch (error) {
          throw new Error(`seed ${SEED + i}, step ${step}: ${(error as Error).message}`, { cause: error });
        }
        count();
      }
      lab.close();
    }
  },
  TIMEOUT_MS,
);
