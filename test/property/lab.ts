import {
  type Acquisition,
  AcquisitionReleasedError,
  InvalidRequestError,
  LimitSet,
  UsageExceedsRequestedError,
  UsageNotReportedError,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { amountOf, toLimit } from "./definitions.ts";
import { exactly, max, NEVER, type Range } from "./model.ts";
import { ceilingOf, type Definition, type Judgement, OracleSet, type Reservation, waitMs } from "./oracle.ts";
import { count } from "./settings.ts";

export interface LabOptions {
  readonly definitions: readonly Definition[];
  readonly startUs: number;
  readonly shared?: boolean;
  readonly missingUpdate?: "throw" | "charge";
}

export interface Held {
  readonly name: string;
  readonly acquisition: Acquisition<string>;
  readonly reservation: Reservation;
}

/** Units by key. */
export type Units = Record<string, number>;

/** Beyond this a clock in milliseconds no longer tells microseconds apart. */
export const END_OF_TIME_US = 2 ** 42 * 1000;

/** A real set and the oracle side by side: both get each request, and any difference between their answers throws. */
export class Lab {
  readonly definitions: readonly Definition[];
  readonly oracle: OracleSet;
  readonly clock: ManualClock;
  readonly limits: LimitSet<string>;
  readonly held: Held[] = [];
  /** The request that was refused last, and when it is to pass by the set's answer. */
  refused: { named: Units; readyUs: number; acquisition: Acquisition<string> } | undefined;
  /** All answers of the real set, in order. */
  readonly answers: unknown[] = [];
  readonly #options: LabOptions;
  readonly #trace: unknown[][] = [];
  #names = 0;

  constructor(options: LabOptions) {
    this.#options = options;
    this.definitions = options.definitions;
    this.oracle = new OracleSet(options.definitions);
    this.clock = new ManualClock(options.startUs / 1000);
    this.limits = new LimitSet({
      limits: options.definitions.map(toLimit),
      clock: this.clock,
      shared: options.shared ?? false,
      missingUpdate: options.missingUpdate ?? "throw",
    });
  }

  close(): void {
    this.limits.close();
  }

  get readingUs(): number {
    return Math.round(this.clock.now() * 1000);
  }

  /** Sets the clock, unless that is a time which a clock in milliseconds cannot tell. */
  moveTo(us: number): boolean {
    const ms = us / 1000;
    // A reading right between two microseconds may be rounded either way.
    if (us < 0 || us + Number(this.oracle.ahead) > END_OF_TIME_US || (ms * 1000) % 1 === 0.5) return false;
    count();
    this.clock.set(ms);
    this.#trace.push(["clock.set", ms]);
    return true;
  }

  /** Requests so many units of each limit. Returns whether they were granted. */
  take(named: Units): boolean {
    count();
    const requested = this.#toAmounts(named);
    const clock = BigInt(this.readingUs);
    // The set reads its clock before it looks at the request: one that makes no sense shows it a step of the clock too.
    this.oracle.timeOf(clock);
    const amounts = this.oracle.amounts(toBig(named));
    if (amounts === undefined) {
      this.#expectError(InvalidRequestError, "tryAcquire", requested, () =>
        this.limits.tryAcquire(requested),
      );
      return false;
    }
    const acquisition = this.limits.tryAcquire(requested);
    this.#trace.push([
      "tryAcquire",
      requested,
      acquisition.successful,
      acquisition.retryAfterMs,
      acquisition.limitedBy,
    ]);
    this.answers.push(acquisition.successful, acquisition.retryAfterMs, acquisition.limitedBy);
    const judgement = this.oracle.judge(clock, amounts);
    if (!acquisition.successful) {
      if (!judgement.mayRefuse) this.fail("refused what fits");
      this.#checkRefusal(judgement, acquisition);
      for (const [i, { key }] of this.definitions.entries())
        if (acquisition.limitedBy.includes(key)) this.oracle.counts[i]!.refused++;
      const wait = acquisition.retryAfterMs;
      if (Number.isFinite(wait)) {
        this.refused = { named, readyUs: Number(clock) + Math.round(wait * 1000), acquisition };
      }
      return false;
    }
    if (!judgement.mayGrant) this.fail("granted what does not fit");
    if (acquisition.retryAfterMs !== 0 || acquisition.limitedBy.length > 0)
      this.fail("granted, and yet a wait");
    const reservation = this.oracle.take(clock, amounts);
    for (const [i, definition] of this.definitions.entries()) {
      const taken = acquisition.requested[definition.key] ?? 0;
      this.#near(`requested ${definition.key}`, definition, taken, exactly(amounts[i]!));
    }
    const name = `#${this.#names++}`;
    this.#trace.push([name, "is", acquisition.requested]);
    this.held.push({ name, acquisition, reservation });
    return true;
  }

  /** Reports usage in units, expecting an error where one is due. */
  update({ name, acquisition, reservation }: Held, used: Units): void {
    count();
    const usage = this.#toAmounts(used);
    const tooMuch = this.definitions.some(({ key, overage }, i) => {
      return overage === "error" && key in used && BigInt(used[key]!) > reservation.amounts[i]!;
    });
    if (tooMuch) {
      this.#expectError(UsageExceedsRequestedError, `${name}.update`, usage, () => acquisition.update(usage));
      return;
    }
    this.#trace.push([`${name}.update`, usage]);
    acquisition.update(usage);
    for (const [i, { key }] of this.definitions.entries()) {
      if (key in used) reservation.reported[i] = BigInt(used[key]!);
    }
  }

  release(held: Held): void {
    count();
    const { name, acquisition, reservation } = held;
    const missing = this.definitions.filter((definition, i) => {
      return (
        definition.type === "rate" && reservation.amounts[i]! > 0n && reservation.reported[i] === undefined
      );
    });
    if (missing.length > 0 && this.#options.missingUpdate !== "charge") {
      this.#expectError(UsageNotReportedError, `${name}.release`, {}, () => acquisition.release());
    } else {
      this.#trace.push([`${name}.release`]);
      acquisition.release();
    }
    this.oracle.release(BigInt(this.readingUs), reservation);
    this.held.splice(this.held.indexOf(held), 1);
  }

  /** Changes the limits whose numbers are not below 0; of a pause, they are microseconds, and of lower and charge units. */
  change(verb: "pause" | "resume" | "lower" | "reset" | "charge", numbers: readonly number[]): void {
    count();
    const clock = BigInt(this.readingUs);
    const chosen = this.definitions.filter((_, i) => numbers[i]! >= 0);
    const keys = chosen.map(({ key }) => key);
    const rates = this.definitions.map(({ type }, i) => (type === "resource" ? -1 : numbers[i]!));
    const amounts = Object.fromEntries(
      this.definitions.flatMap((one, i) => (rates[i]! < 0 ? [] : [[one.key, amountOf(one, rates[i]!)]])),
    );
    this.#trace.push([verb, numbers, keys]);
    const whole = (each: readonly number[]) =>
      each.map((n) => (n === Number.POSITIVE_INFINITY ? NEVER : BigInt(n)));
    if (verb === "lower" || verb === "charge") {
      this.limits[verb](amounts);
      this.oracle[verb](clock, whole(rates));
    } else {
      if (verb === "pause") this.limits.pause(Math.max(0, ...numbers) / 1000, keys);
      else this.limits[verb](keys);
      this.oracle[verb](clock, whole(numbers));
    }
  }

  /** A refused acquisition: using it all the same changes nothing. */
  touchRefused(): void {
    if (this.refused === undefined) return;
    count(2);
    const { named, acquisition } = this.refused;
    this.#trace.push(["refused.update", named]);
    acquisition.update(this.#toAmounts(named));
    acquisition.release();
  }

  /** A released acquisition: releasing again does nothing, updating is an error. */
  touchReleased({ name, acquisition }: Held): void {
    count(2);
    this.#trace.push([`${name}.release`, "again"]);
    acquisition.release();
    this.#expectError(AcquisitionReleasedError, `${name}.update`, {}, () => acquisition.update({}));
  }

  /** All numbers of the set's stats. */
  checkStats(): void {
    const clock = BigInt(this.readingUs);
    const { now, reading } = this.oracle.timeOf(clock);
    const stats = this.limits.stats();
    for (const [i, definition] of this.definitions.entries()) {
      const own = stats[definition.key];
      if (own === undefined) this.fail(`no stats of ${definition.key}`);
      const { key, capacity, type, algorithm, windowUs } = definition;
      const used = this.oracle.used(clock, i);
      const ceiling = ceilingOf(definition);
      this.#near(`used of ${key}`, definition, own.used, used);
      const available = { least: ceiling - used.most, most: ceiling - used.least };
      this.#near(`available of ${key}`, definition, own.available, available);
      this.#same(`capacity of ${key}`, own.capacity, amountOf(definition, capacity));
      this.#same(`utilization of ${key}`, own.utilization, own.used / own.capacity);
      this.#same(`waiting of ${key}`, own.waiting, 0);
      this.#same(`type of ${key}`, own.type, type);
      if (algorithm !== "none") {
        this.#same(`algorithm of ${key}`, own.algorithm, algorithm);
        this.#same(`windowMs of ${key}`, own.windowMs, windowUs / 1000);
      }
      // A shadow lets pass.
      const ready = definition.shadow ? exactly(now) : this.oracle.ready(i, now, 1n);
      this.#wait(`retryAfterMs of ${key}`, own.retryAfterMs, reading, now, ready);
      const { charged, ...counts } = this.oracle.counts[i]!;
      for (const [name, n] of Object.entries(counts))
        this.#same(`${name} of ${key}`, own[name as keyof typeof counts], n);
      this.#near(`charged of ${key}`, definition, own.charged, exactly(charged));
      this.answers.push(own.used, own.available, own.utilization, own.retryAfterMs);
    }
  }

  /** The units in use of a limit whose unit is 1, as the real set has them. */
  usedUnits(limit: number): number {
    return this.limits.get(this.definitions[limit]!.key).stats().used;
  }

  fail(what: string): never {
    const lines = this.#trace.map((line) => line.map((part) => JSON.stringify(part) ?? "Infinity").join(" "));
    const { definitions, ...rest } = this.#options;
    throw new Error(
      [what, ...definitions.map((one) => JSON.stringify(one)), JSON.stringify(rest), ...lines].join("\n"),
    );
  }

  #checkRefusal({ now, reading, ready }: Judgement, { limitedBy, retryAfterMs }: Acquisition<string>): void {
    let listed = 0;
    let soonest = 0n;
    let latest = 0n;
    for (const [i, { key }] of this.definitions.entries()) {
      const range = ready[i];
      if (limitedBy[listed] === key) {
        if (range === undefined || range.most <= now) this.fail(`limited by ${key}, which has room`);
        listed++;
        soonest = max(soonest, max(range.least, now + 1n));
        latest = max(latest, range.most);
      } else if (range !== undefined && range.least > now)
        this.fail(`not limited by ${key}, which has no room`);
    }
    if (listed !== limitedBy.length) this.fail("limitedBy is out of order");
    this.#wait("retryAfterMs", retryAfterMs, reading, now, { least: soonest, most: latest });
  }

  #wait(what: string, got: number, reading: bigint, now: bigint, { least, most }: Range): void {
    const shortest = waitMs(reading, now, least);
    const longest = waitMs(reading, now, most);
    if (!(got >= shortest && got <= longest))
      this.fail(`${what}: got ${got}, expected ${shortest} to ${longest}`);
  }

  #near(what: string, definition: Definition, got: number, { least, most }: Range): void {
    const low = amountOf(definition, Number(least));
    const high = amountOf(definition, Number(most));
    const tolerance =
      definition.unit === 1 ? 0 : 1e-9 * Math.max(definition.unit, Math.abs(low), Math.abs(high));
    if (!(got >= low - tolerance && got <= high + tolerance))
      this.fail(`${what}: got ${got}, expected ${low} to ${high}`);
  }

  #same(what: string, got: unknown, expected: unknown): void {
    if (got !== expected) this.fail(`${what}: got ${String(got)}, expected ${String(expected)}`);
  }

  #expectError(
    type: new (...args: never[]) => Error,
    what: string,
    given: unknown,
    action: () => unknown,
  ): void {
    this.#trace.push([what, given, "throws", type.name]);
    try {
      action();
    } catch (error) {
      if (error instanceof type) return;
      this.fail(`threw ${String(error)}, not ${type.name}`);
    }
    this.fail(`did not throw ${type.name}`);
  }

  #toAmounts(units: Units): Record<string, number> {
    const amounts: Record<string, number> = {};
    for (const key of Object.keys(units)) {
      const definition = this.definitions.find((one) => one.key === key);
      amounts[key] = definition ? amountOf(definition, units[key]!) : units[key]!;
    }
    return amounts;
  }
}

function toBig(units: Units): Record<string, bigint> {
  const big: Record<string, bigint> = {};
  for (const key of Object.keys(units)) big[key] = BigInt(units[key]!);
  return big;
}
