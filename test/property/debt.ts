import { ceilDiv, exactly, type Model, max, min, type Range } from "./model.ts";

/** How many low-water marks the core keeps. Where it would need more, it may give back less than is due. */
const CORE_MARKS = 4;

/** The lowest debt from the take `first` until the take that the next mark begins with. Lows rise from mark to mark. */
interface Mark {
  readonly first: number;
  readonly time: bigint;
  low: bigint;
}

export interface DebtRules {
  readonly capacity: bigint;
  readonly windowUs: bigint;
  /** The most debt that a grant may leave behind, in units. */
  readonly ceiling: bigint;
  /** A shaper: grants only when all debt is gone. */
  readonly shaper: boolean;
}

/** TokenBucket, GCRA and LeakyBucket: a grant is a debt in units x microseconds, of which `capacity` leaks away in each microsecond. */
export class DebtModel implements Model {
  readonly #rules: DebtRules;
  readonly #ceiling: bigint;
  #at = 0n;
  #debt = 0n;
  #marks: Mark[] = [];
  /** Set while the core may have run out of marks: the debt that it would have if nothing had come back since. */
  #most: bigint | undefined;

  constructor(rules: DebtRules) {
    this.#rules = rules;
    this.#ceiling = rules.ceiling * rules.windowUs;
  }

  get exact(): boolean {
    return this.#most === undefined;
  }

  ready(now: bigint, n: bigint): Range {
    const least = this.#readyFrom(this.debtAt(now), now, n);
    const most = this.#mostAt(now);
    return most === undefined ? exactly(least) : { least, most: this.#readyFrom(most, now, n) };
  }

  used(now: bigint): Range {
    const least = ceilDiv(this.debtAt(now), this.#rules.windowUs);
    const most = this.#mostAt(now);
    return most === undefined ? exactly(least) : { least, most: ceilDiv(most, this.#rules.windowUs) };
  }

  take(now: bigint, n: bigint, id: number): void {
    this.charge(now, n);
    if (this.#rules.shaper) return;
    this.#marks.push({ first: id, time: this.#at, low: this.#debt });
    // Takes of one microsecond share a mark: nothing leaks between them, and none took more than the debt that it left.
    const needed = new Set(this.#marks.map((mark) => mark.time)).size;
    if (needed > CORE_MARKS) this.#most ??= this.#debt;
  }

  charge(now: bigint, n: bigint): void {
    this.#settle(now);
    this.#debt += n * this.#rules.windowUs;
    if (this.#most !== undefined) this.#most += n * this.#rules.windowUs;
  }

  lower(now: bigint, left: bigint): void {
    this.#settle(now);
    const debt = this.#ceiling - left * this.#rules.windowUs;
    this.#debt = max(this.#debt, debt);
    if (this.#most !== undefined) this.#most = max(this.#most, debt);
  }

  reset(now: bigint): void {
    this.#settle(now);
    this.#debt = 0n;
    this.#most = undefined;
    this.#marks = [];
  }

  mayGiveBackAfter(id: number): boolean {
    return this.#marks.some((mark) => mark.first > id);
  }

  /** Makes the debt that there would be if `n` had never been requested. The marks show where it has touched zero since. */
  giveBack(now: bigint, n: bigint, id: number): void {
    if (this.#rules.shaper) return;
    this.#settle(now);
    const own = this.#marks.findLastIndex((mark) => mark.first <= id);
    const refund = min(n * this.#rules.windowUs, this.#marks[own]?.low ?? 0n);
    if (refund === 0n) return;
    this.#debt -= refund;
    for (const mark of this.#marks.slice(own)) mark.low -= refund;
    this.#keepRising();
  }

  /** Debt in units x microseconds. */
  debtAt(now: bigint): bigint {
    return max(0n, this.#debt - this.#leak(now));
  }

  #mostAt(now: bigint): bigint | undefined {
    if (this.#most === undefined) return undefined;
    return max(0n, this.#most - this.#leak(now));
  }

  #leak(now: bigint): bigint {
    return (now - this.#at) * this.#rules.capacity;
  }

  #readyFrom(debt: bigint, now: bigint, n: bigint): bigint {
    const excess = this.#rules.shaper ? debt : debt + n * this.#rules.windowUs - this.#ceiling;
    if (excess <= 0n) return now;
    return now + ceilDiv(excess, this.#rules.capacity);
  }

  #settle(now: bigint): void {
    const most = this.#mostAt(now);
    this.#most = most === 0n ? undefined : most;
    this.#debt = this.debtAt(now);
    this.#at = now;
    this.#keepRising();
  }

  /** Drops marks that are no lower than the one after them, since they say nothing more, and marks of zero, which allow no refund. */
  #keepRising(): void {
    const rising: Mark[] = [];
    let low = this.#debt;
    for (const mark of this.#marks.toReversed()) {
      low = min(low, mark.low);
      if (rising[0]?.low === low) rising.shift();
      rising.unshift({ ...mark, low });
    }
    this.#marks = rising.filter((mark) => mark.low > 0n);
  }
}
