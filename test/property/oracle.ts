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
}

export type Named = Readonly<Record<string, bigint>>;

/** A clock that is behind by this much stands still. */
const TOLERANCE_US = 1_000_000n;

/** A limit set as the documents describe it: slow, exact, in one thread and without a queue. */
export class OracleSet {
  readonly definitions: readonly Definition[];
  readonly models: readonly Model[];
  #latest = 0n;
  #ahead = 0n;
  #lastId = 0;

  constructor(definitions: readonly Definition[]) {
    this.definitions = definitions;
    this.models = definitions.map(modelOf);
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
    if (amounts.some((n, i) => n < 0n || n > ceilingOf(this.definitions[i]!))) return undefined;
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
    const ready = this.models.map((model, i) =>
      amounts[i] === 0n ? undefined : model.ready(now, amounts[i]!),
    );
    return {
      now,
      reading,
      mayGrant: ready.every((range) => range === undefined || range.least <= now),
      mayRefuse: ready.some((range) => range !== undefined && range.most > now),
      ready,
    };
  }

  /** Takes, whatever the verdict was: the caller decides whether the grant was right. */
  take(clock: bigint, amounts: readonly bigint[]): Reservation {
    const { now } = this.timeOf(clock);
    const id = ++this.#lastId;
    for (const [i, model] of this.models.entries()) if (amounts[i] !== 0n) model.take(now, amounts[i]!, id);
    this.#latest = now;
    return { id, amounts, reported: amounts.map(() => undefined) };
  }

  /**
   * Settles a reservation. Missing usage counts as the whole request. Only a charge needs the time of the release: a refund
   * takes place at the latest time, and leaks go on from there.
   */
  release(clock: bigint, { id, amounts, reported }: Reservation): void {
    const unused = this.definitions.map(({ type }, i) =>
      type === "resource" ? amounts[i]! : amounts[i]! - (reported[i] ?? amounts[i]!),
    );
    if (unused.some((n) => n < 0n)) this.#latest = this.timeOf(clock).now;
    for (const [i, model] of this.models.entries()) {
      if (unused[i]! > 0n) model.giveBack(this.#latest, unused[i]!, id);
      if (unused[i]! < 0n) model.charge(this.#latest, -unused[i]!);
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
