/**
 * A token bucket in plain JavaScript with the arithmetic of the core: whole microseconds, whole debt, refunds by marks.
 * `assembly/algorithms/token-bucket.ts`, `debt.ts` and `refund.ts` give the reason of each step. One thing differs: a double
 * has 53 bits where the core has 64, so that a large definition counts in coarser ticks.
 */

const MOST_FULL = 2 ** 51;
const MOST_DEBT = 2 ** 52;
const MAX_MARKS = 4;

/** A bucket whose `check` changes nothing; `commit` takes what was checked. */
export class PlainBucket {
  debt = 0;
  /** The tick at which the bucket had this debt. */
  at = 0;
  /** The debt that is left, as the last `check` has found it. */
  owed = 0;
  /** @type {number[]} the time of each mark, oldest first */
  times = [0, 0, 0, 0];
  /** @type {number[]} the lowest debt since each mark; they rise */
  lows = [0, 0, 0, 0];
  count = 0;

  /** @param {number} capacity in units @param {number} micros the window */
  constructor(capacity, micros) {
    let tick = 1;
    let common = divisor(capacity, micros);
    while (micros / tick / common > MOST_FULL / capacity) {
      tick *= 2;
      common = divisor(capacity, Math.ceil(micros / tick));
    }
    this.tick = tick;
    this.weight = Math.ceil(micros / tick) / common;
    this.rate = capacity / common;
    this.full = capacity * this.weight;
    this.idle = Math.floor(MOST_DEBT / this.rate);
  }

  /** The first microsecond at which the request would be granted. @param {number} now @param {number} units */
  check(now, units) {
    const owed = this.owedAt(now);
    const excess = owed + units * this.weight - this.full;
    if (excess > 0) return this.readyAt(now, excess);
    this.owed = owed;
    return 0;
  }

  /** Takes what `check` has granted. @param {number} now @param {number} units */
  commit(now, units) {
    const tick = this.tickOf(now);
    const owed = this.owed;
    const debt = owed + units * this.weight;
    this.at = tick;
    this.debt = debt;
    // Most often there is nothing to collapse, because the last mark is below the debt.
    if (this.count > 0) this.collapse(this.count, owed);
    if (this.count === 0 || this.times[this.count - 1] !== tick) this.pushMark(tick);
    this.lows[this.count - 1] = debt;
  }

  /** Gives back as much as may go back of the units that were reserved at `taken`. @param {number} now @param {number} units @param {number} taken */
  giveBack(now, units, taken) {
    const debt = this.owedAt(now);
    this.at = this.tickOf(now);
    this.debt = debt;
    if (this.count > 0) this.collapse(this.count, debt);
    const count = this.count;
    const tick = this.tickOf(taken);
    let after = count;
    while (after > 0 && /** @type {number} */ (this.times[after - 1]) > tick) after--;
    if (after === 0) return;
    const low = /** @type {number} */ (this.lows[after - 1]);
    const back = Math.min(units * this.weight, low);
    this.debt = debt - back;
    for (let i = after; i < count; i++) this.lows[i] = /** @type {number} */ (this.lows[i]) - back;
    this.collapse(after, low - back);
  }

  /** @param {number} now */
  owedAt(now) {
    const elapsed = this.tickOf(now) - this.at;
    if (elapsed <= 0) return this.debt;
    if (elapsed > this.idle) return 0;
    const left = this.debt - elapsed * this.rate;
    return Math.max(left, 0);
  }

  /** @param {number} now @param {number} excess */
  readyAt(now, excess) {
    return (this.tickOf(now) + Math.floor((excess - 1) / this.rate) + 1) * this.tick;
  }

  /** @param {number} time */
  tickOf(time) {
    return this.tick === 1 ? time : Math.floor(time / this.tick);
  }

  /** Lowers the first `end` marks to `low`. @param {number} end @param {number} low */
  collapse(end, low) {
    const { times, lows, count } = this;
    let kept = end;
    while (kept > 0 && /** @type {number} */ (lows[kept - 1]) >= low) kept--;
    if (kept < end && low > 0) lows[kept++] = low;
    if (kept === end) return;
    for (let from = end, to = kept; from < count; from++, to++) {
      times[to] = /** @type {number} */ (times[from]);
      lows[to] = /** @type {number} */ (lows[from]);
    }
    this.count = count - end + kept;
  }

  /** @param {number} tick */
  pushMark(tick) {
    if (this.count === MAX_MARKS) this.dropMark();
    this.times[this.count++] = tick;
  }

  /** Drops the mark whose loss changes least. */
  dropMark() {
    const { times, lows } = this;
    let drop = 1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 1; i < MAX_MARKS; i++) {
      const step = /** @type {number} */ (lows[i]) - /** @type {number} */ (lows[i - 1]);
      if (step < least) {
        least = step;
        drop = i;
      }
    }
    for (let i = drop; i < MAX_MARKS - 1; i++) {
      times[i] = /** @type {number} */ (times[i + 1]);
      lows[i] = /** @type {number} */ (lows[i + 1]);
    }
    this.count--;
  }
}

/** Slots, with the same three methods. */
export class PlainResource {
  inUse = 0;

  /** @param {number} capacity */
  constructor(capacity) {
    this.capacity = capacity;
  }

  /** @param {number} _now @param {number} units */
  check(_now, units) {
    return this.inUse + units > this.capacity ? Number.POSITIVE_INFINITY : 0;
  }

  /** @param {number} _now @param {number} units */
  commit(_now, units) {
    this.inUse += units;
  }

  /** @param {number} _now @param {number} units */
  giveBack(_now, units) {
    this.inUse -= units;
  }
}

/** @param {number} a @param {number} b @returns {number} */
function divisor(a, b) {
  return b === 0 ? a : divisor(b, a % b);
}
