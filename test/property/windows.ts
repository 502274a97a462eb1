import { ceilDiv, type Model, NEVER, type Range } from "./model.ts";

/** How many entries of different times the core's log holds. Beyond that, it merges entries within 1/64 of a window. */
export const CORE_ENTRIES = 128;
const MERGE_PARTS = 64n;

interface Entry {
  readonly time: bigint;
  amount: bigint;
}

/** The sum over (now - window, now] may not pass the capacity. */
export class SlidingModel implements Model {
  readonly #capacity: bigint;
  readonly #window: bigint;
  /** How much longer than a window an entry may count if the core had to merge it with a later one. */
  readonly #slack: bigint;
  /** Until then the core may still have entries that were merged. */
  #mergedUntil = -1n;
  #log: Entry[] = [];

  constructor(capacity: bigint, windowUs: bigint) {
    this.#capacity = capacity;
    this.#window = windowUs;
    this.#slack = ceilDiv(windowUs, MERGE_PARTS);
  }

  ready(now: bigint, n: bigint): Range {
    const least = this.#readyAfter(now, n, this.#window);
    return { least, most: this.#exactAt(now) ? least : this.#readyAfter(now, n, this.#window + this.#slack) };
  }

  used(now: bigint): Range {
    const least = this.#sum(now, this.#window);
    return { least, most: this.#exactAt(now) ? least : this.#sum(now, this.#window + this.#slack) };
  }

  take(now: bigint, n: bigint): void {
    this.charge(now, n);
  }

  charge(now: bigint, n: bigint): void {
    const last = this.#log.at(-1);
    if (last?.time === now) last.amount += n;
    else this.#log.push({ time: now, amount: n });
    const keep = this.#window + this.#slack;
    if (this.#log[0]!.time + 2n * keep < now)
      this.#log = this.#log.filter((entry) => entry.time + keep > now);
    const oldestThatFits = this.#log.at(-1 - CORE_ENTRIES);
    if (oldestThatFits && oldestThatFits.time + this.#window > now) this.#mergedUntil = now + this.#window;
  }

  giveBack(): void {}

  lower(now: bigint, left: bigint): void {
    const missing = this.#capacity - left - this.#sum(now, this.#window);
    if (missing > 0n) this.charge(now, missing);
  }

  reset(): void {
    this.#log = [];
    this.#mergedUntil = -1n;
  }

  #exactAt(now: bigint): boolean {
    return now >= this.#mergedUntil;
  }

  /** Newest first, because everything before the first expired entry has expired too. */
  #sum(now: bigint, lifetime: bigint): bigint {
    let sum = 0n;
    for (let i = this.#log.length - 1; i >= 0 && this.#log[i]!.time + lifetime > now; i--)
      sum += this.#log[i]!.amount;
    return sum;
  }

  #readyAfter(now: bigint, n: bigint, lifetime: bigint): bigint {
    let sum = n;
    for (let i = this.#log.length - 1; i >= 0; i--) {
      const { time, amount } = this.#log[i]!;
      if (time + lifetime <= now) return now;
      sum += amount;
      if (sum > this.#capacity) return time + lifetime;
    }
    return now;
  }
}

/** Windows are counted from the epoch by the wall clock; each starts empty. */
export class FixedModel implements Model {
  readonly #capacity: bigint;
  readonly #window: bigint;
  #number = -1n;
  #count = 0n;
  #ahead = 0n;

  constructor(capacity: bigint, windowUs: bigint) {
    this.#capacity = capacity;
    this.#window = windowUs;
  }

  ready(now: bigint, n: bigint): Range {
    const end = (this.#numberAt(now) + 1n) * this.#window + this.#ahead;
    const time = this.#countAt(now) + n <= this.#capacity ? now : end;
    return { least: time, most: time };
  }

  used(now: bigint): Range {
    const count = this.#countAt(now);
    return { least: count, most: count };
  }

  take(now: bigint, n: bigint): void {
    this.charge(now, n);
  }

  charge(now: bigint, n: bigint): void {
    this.#count = this.#countAt(now) + n;
    this.#number = this.#numberAt(now);
  }

  giveBack(): void {}

  lower(now: bigint, left: bigint): void {
    const missing = this.#capacity - left - this.#countAt(now);
    if (missing > 0n) this.charge(now, missing);
  }

  reset(): void {
    this.#count = 0n;
  }

  /** The count of the present window goes on in the wall clock's present window. */
  moved(now: bigint, ahead: bigint): void {
    this.#count = this.#countAt(now);
    this.#ahead = ahead;
    this.#number = this.#numberAt(now);
  }

  #numberAt(now: bigint): bigint {
    return (now - this.#ahead) / this.#window;
  }

  #countAt(now: bigint): bigint {
    return this.#numberAt(now) === this.#number ? this.#count : 0n;
  }
}

/** No window at all: units are held until they are given back. */
export class ResourceModel implements Model {
  readonly #capacity: bigint;
  #inUse = 0n;

  constructor(capacity: bigint) {
    this.#capacity = capacity;
  }

  ready(now: bigint, n: bigint): Range {
    const time = this.#inUse + n <= this.#capacity ? now : NEVER;
    return { least: time, most: time };
  }

  used(): Range {
    return { least: this.#inUse, most: this.#inUse };
  }

  take(_now: bigint, n: bigint): void {
    this.#inUse += n;
  }

  charge(): void {}

  lower(): void {}

  /** What is in use stays in use. */
  reset(): void {}

  giveBack(_now: bigint, n: bigint): void {
    this.#inUse -= n;
  }
}
