import { DebtModel } from "./debt.ts";
import { type Model, max, NEVER, type Range } from "./model.ts";
import { FixedModel, ResourceModel, SlidingModel } from "./windows.ts";

/** A limit in whole units and microseconds. */
export interface Definition {
  readonly key: string;
  readonly type: "rate" | "call" | "resource";
  readonly algorithm: "token-bucket" | "gcra" | "leaky-bucket" | "sliding-window" | "fixed-window" | "none";
  readonly capacity: number;
  readonly windowUs: number;
  readonly burst: number;
  readonly unit: number;
  readonly overage: "error" | "debt";
  /** A limit that lets pass what it would refuse. */
  readonly shadow?: boolean;
}

/** The answer that a set must give to a request. Where both ends of a range are equal, there is one right answer. */
export interface Judgement {
  readonly now: bigint;
  /** The reading as the set's time, which may stand still. */
  readonly reading: bigint;
  readonly mayGrant: boolean;
  readonly mayRefuse: boolean;
  /** For each limit of the set, when it alone would let the request pass; undefined where the request leaves it out. */
  readonly ready: readonly (Range | undefined)[];
}

export interface Reservation {
  readonly id: number;
  /** Units of each limit of the set. */
  readonly amounts: readonly bigint[];
  /** Units reported as used so far. */
  readonly reported: (bigint | undefined)[];
  /** The shadows that let it pass: they have counted nothing. */
  readonly passed: readonly boolean[];
}

/** What a limit has counted. */
export interface Count {
  granted: number;
  refused: number;
  wouldRefuse: number;
  charged: bigint;
}

export type Named = Readonly<Record<string, bigint>>;

/** A clock that is behind by this much stands still. */
const TOLERANCE_US = 1_000_000n;

/** A limit set as the documents describe it: slow, exact, in one thread and without a queue. */
export class OracleSet {
  readonly definitions: readonly Definition[];
  readonly models: readonly Model[];
  readonly counts: readonly Count[];
  /** Until when each limit is paused. */
  readonly #paused: bigint[];
  #latest = 0n;
  #resetAt = -1n;
  /** The latest take before the first reset in the microsecond of the latest one. */
  #resetId = 0;
  #ahead = 0n;
  #lastId = 0;

  constructor(definitions: readonly Definition[]) {
    this.definitions = definitions;
    this.models = definitions.map(modelOf);
    this.counts = definitions.map(() => ({ granted: 0, refused: 0, wouldRefuse: 0, charged: 0n }));
    this.#paused = definitions.map(() => 0n);
  }

  /** The time of the last operation that changed something. */
  get latest(): bigint {
    return this.#latest;
  }

  /** Units of each limit that a request stands for, or undefined if it is not a valid one. */
  amounts(named: Named): bigint[] | undefined {
    const keys = Object.keys(named);
    if (keys.some((key) => !this.definitions.some((definition) => definition.key === key))) return undefined;
    if (keys.length === 0 && this.definitions.some((definition) => definition.type === "rate"))
      return undefined;
    const amounts = this.definitions.map(({ key, type }) => named[key] ?? (type === "rate" ? 0n : 1n));
    if (amounts.some((n, i) => n < 0n || n > mostOf(this.definitions[i]!))) return undefined;
    return amounts;
  }

  /** By how much the set's time is ahead of the clock, in microseconds. */
  get ahead(): bigint {
    return this.#ahead;
  }

  /** A reading of the clock as the set's time. One that is more than a second behind the state is where time goes on from there. */
  timeOf(reading: bigint): { readonly now: bigint; readonly reading: bigint } {
    const behind = this.#latest - (reading + this.#ahead);
    if (behind > TOLERANCE_US) {
      this.#ahead += behind;
      for (const model of this.models) model.moved?.(this.#latest, this.#ahead);
    }
    return { now: max(reading + this.#ahead, this.#latest), reading: reading + this.#ahead };
  }

  judge(clock: bigint, amounts: readonly bigint[]): Judgement {
    const { now, reading } = this.timeOf(clock);
    const ready = this.models.map((_, i) =>
      amounts[i] === 0n || this.definitions[i]!.shadow ? undefined : this.ready(i, now, amounts[i]!),
    );
    return {
      now,
      reading,
      mayGrant: ready.every((range) => range === undefined || range.least <= now),
      mayRefuse: ready.some((range) => range !== undefined && range.most > now),
      ready,
    };
  }

  /** When a limit would let `n` pass: not before the end of its pause. */
  ready(limit: number, now: bigint, n: bigint): Range {
    const until = this.#paused[limit]!;
    if (until === NEVER) return { least: NEVER, most: NEVER };
    return this.models[limit]!.ready(max(now, until), n);
  }

  /** The limits whose numbers are not below 0 are paused for so many microseconds; NEVER is for ever. */
  pause(clock: bigint, us: readonly bigint[]): void {
    this.#change(clock, us, (i, now, n) => {
      this.#paused[i] = max(this.#paused[i]!, n === NEVER ? NEVER : now + n);
    });
  }

  resume(clock: bigint, chosen: readonly bigint[]): void {
    this.#change(clock, chosen, (i) => {
      this.#paused[i] = 0n;
    });
  }

  lower(clock: bigint, left: readonly bigint[]): void {
    this.#change(clock, left, (i, now, n) => this.models[i]!.lower(now, n));
  }

  reset(clock: bigint, chosen: readonly bigint[]): void {
    // Grants before and after a reset are told apart within one microsecond, but for one reset only: where one in between may have
    // something to give back, the next one is in the next.
    const { now } = this.timeOf(clock);
    const isBetween = (model: Model, i: number) =>
      chosen[i]! >= 0n && model.mayGiveBackAfter?.(this.#resetId);
    if (now === this.#resetAt && this.models.some(isBetween)) this.#latest = now + 1n;
    this.#change(clock, chosen, (i, now) => this.models[i]!.reset(now));
    if (this.#latest !== this.#resetAt) this.#resetId = this.#lastId;
    this.#resetAt = this.#latest;
  }

  charge(clock: bigint, units: readonly bigint[]): void {
    this.#change(clock, units, (i, now, n) => {
      if (n > 0n) this.models[i]!.charge(now, n);
      this.counts[i]!.charged += n;
    });
  }

  #refuses(limit: number, now: bigint, n: bigint): boolean {
    return n > ceilingOf(this.definitions[limit]!) || this.ready(limit, now, n).least > now;
  }

  #change(clock: bigint, each: readonly bigint[], act: (i: number, now: bigint, n: bigint) => void): void {
    const { now } = this.timeOf(clock);
    for (const [i, n] of each.entries()) if (n >= 0n) act(i, now, n);
    this.#latest = now;
  }

  /** Takes, whatever the verdict was: the caller decides whether the grant was right. */
  take(clock: bigint, amounts: readonly bigint[]): Reservation {
    const { now } = this.timeOf(clock);
    const id = ++this.#lastId;
    const passed = amounts.map(
      (n, i) => n !== 0n && this.definitions[i]!.shadow === true && this.#refuses(i, now, n),
    );
    for (const [i, model] of this.models.entries()) {
      if (amounts[i] === 0n) continue;
      this.counts[i]!.granted++;
      if (passed[i]) this.counts[i]!.wouldRefuse++;
      else model.take(now, amounts[i]!, id);
    }
    this.#latest = now;
    return { id, amounts, reported: amounts.map(() => undefined), passed };
  }

  /**
   * Settles a reservation. Missing usage counts as the whole request. Only a charge needs the time of the release: a refund
   * takes place at the latest time, and leaks go on from there.
   */
  release(clock: bigint, { id, amounts, reported, passed }: Reservation): void {
    const unused = this.definitions.map(({ type }, i) => {
      if (passed[i]) return 0n;
      return type === "resource" ? amounts[i]! : amounts[i]! - (reported[i] ?? amounts[i]!);
    });
    if (unused.some((n) => n < 0n)) this.#latest = this.timeOf(clock).now;
    for (const [i, model] of this.models.entries()) {
      if (unused[i]! > 0n) model.giveBack(this.#latest, unused[i]!, id);
      if (unused[i]! >= 0n) continue;
      model.charge(this.#latest, -unused[i]!);
      this.counts[i]!.charged -= unused[i]!;
    }
  }

  used(clock: bigint, limit: number): Range {
    return this.models[limit]!.used(this.timeOf(clock).now);
  }
}

/** Milliseconds from a reading of the clock until `ready`; 0 if it is now. */
export function waitMs(reading: bigint, now: bigint, ready: bigint): number {
  if (ready <= now) return 0;
  return ready === NEVER ? Number.POSITIVE_INFINITY : Number(ready - reading) / 1000;
}

/** The most that a limit can ever grant at once, in units. */
export function ceilingOf(definition: Definition): bigint {
  return BigInt(definition.algorithm === "gcra" ? definition.burst : definition.capacity);
}

/** The most that a request may name. */
function mostOf(definition: Definition): bigint {
  return definition.shadow ? BigInt(Number.MAX_SAFE_INTEGER) : ceilingOf(definition);
}

function modelOf(definition: Definition): Model {
  const capacity = BigInt(definition.capacity);
  const windowUs = BigInt(definition.windowUs);
  switch (definition.algorithm) {
    case "none":
      return new ResourceModel(capacity);
    case "sliding-window":
      return new SlidingModel(capacity, windowUs);
    case "fixed-window":
      return new FixedModel(capacity, windowUs);
    default: {
      const shaper = definition.algorithm === "leaky-bucket";
      return new DebtModel({ capacity, windowUs, ceiling: ceilingOf(definition), shaper });
    }
  }
}
