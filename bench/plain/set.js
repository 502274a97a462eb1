/**
 * The floor of a rewrite: all that a LimitSet does for a try and its release, in plain JavaScript. It looks up keys, checks
 * amounts and units, takes several limits together or not at all, adds automatic amounts, takes reports of usage, gives unused
 * tokens back, and notices lost slots. It has no memory that threads share, no other algorithms, no waiting and no statistics.
 *
 * `agree.js` checks that it gives the library's answers. The difference in cost is the price of WebAssembly on memory that
 * threads can share.
 */
import { PlainBucket, PlainResource } from "./bucket.js";
import { Watch } from "./watch.js";

const NOT_REPORTED = -1;
const MICROSECOND = 0.001;

/**
 * @typedef {import("limitset").Limit<string>} Limit
 * @typedef {Readonly<Record<string, number>>} Amounts
 * @typedef {object} Term
 * @property {string} key
 * @property {number} unit
 * @property {number} ceiling in units
 * @property {number} automatic
 * @property {boolean} isResource
 * @property {boolean} isRate
 * @property {PlainBucket | PlainResource} state
 */

// Read in the same way as the library reads it.
const dateNow = Date.now;
const monotonic = performance;
const origin = monotonic.timeOrigin;
const platformClock = {
  now: () => (Date.now === dateNow ? origin + monotonic.now() : Date.now()),
};

export class PlainSet {
  latest = 0;
  closed = false;

  /** @param {{ limits: readonly Limit[], missingUpdate?: "throw" | "charge", clock?: { now(): number } }} options */
  constructor({ limits, missingUpdate = "throw", clock = platformClock }) {
    this.missingUpdate = missingUpdate;
    this.clock = clock;
    /** @type {Term[]} */
    this.terms = limits.map(termOf);
    this.automatic = this.terms.map(({ automatic }) => automatic);
    this.nothing = this.terms.map(() => NOT_REPORTED);
    this.watch = this.terms.some(({ isResource }) => isResource)
      ? new Watch((lost) => this.mend(lost))
      : undefined;
  }

  /** @param {Amounts} [requested] */
  tryAcquire(requested) {
    if (this.closed) throw new Error("closed");
    const terms = this.terms;
    const units = this.parse(requested);
    const reading = Math.floor(this.clock.now() * 1000 + 0.5);
    const now = Math.max(reading, this.latest);
    let ready = 0;
    for (let i = 0; i < terms.length; i++) {
      const count = /** @type {number} */ (units[i]);
      if (count === 0) continue;
      const at = /** @type {Term} */ (terms[i]).state.check(now, count);
      if (at > ready) ready = at;
    }
    if (ready !== 0) return this.refuse(units, now, (ready - reading) / 1000);
    for (let i = 0; i < terms.length; i++) {
      const count = /** @type {number} */ (units[i]);
      if (count !== 0) /** @type {Term} */ (terms[i]).state.commit(now, count);
    }
    this.latest = now;
    return new PlainGrant(this, units, now);
  }

  /** @param {Amounts | undefined} requested */
  parse(requested) {
    const terms = this.terms;
    const units = copyOf(this.automatic);
    let next = 0;
    for (const key in requested) {
      const index = terms[next]?.key === key ? next : this.indexOf(key);
      const { unit, ceiling } = /** @type {Term} */ (terms[index]);
      const amount = requested[key];
      const asked = toUnits(amount, unit);
      if (!(asked >= 0 && asked <= ceiling)) throw new RangeError(`${amount} of "${key}"`);
      units[index] = asked;
      next = index + 1;
    }
    if (next === 0 && terms.some(({ isRate }) => isRate)) throw new RangeError("name an amount");
    return units;
  }

  /** @param {Amounts} usage @param {readonly number[]} taken @param {readonly number[] | undefined} reported */
  parseUsage(usage, taken, reported) {
    const terms = this.terms;
    const usages = copyOf(reported ?? this.nothing);
    let next = 0;
    for (const key in usage) {
      const index = terms[next]?.key === key ? next : this.indexOf(key);
      const { unit, isResource } = /** @type {Term} */ (terms[index]);
      const used = toUnits(usage[key], unit);
      if (isResource || !(used >= 0 && used <= /** @type {number} */ (taken[index]))) {
        throw new RangeError(`${usage[key]} of "${key}"`);
      }
      usages[index] = used;
      next = index + 1;
    }
    return usages;
  }

  /** Settles; true if usage is missing. @param {readonly number[]} taken @param {readonly number[] | undefined} reported @param {number} takenAt */
  settle(taken, reported, takenAt) {
    const terms = this.terms;
    let misses = false;
    for (let i = 0; i < terms.length; i++) {
      const { isResource, isRate, state } = /** @type {Term} */ (terms[i]);
      const units = /** @type {number} */ (taken[i]);
      if (isResource) {
        state.giveBack(this.latest, units, takenAt);
        continue;
      }
      const used = reported === undefined ? NOT_REPORTED : /** @type {number} */ (reported[i]);
      if (used === NOT_REPORTED) misses ||= isRate && units > 0;
      else if (used < units) state.giveBack(this.latest, units - used, takenAt);
    }
    return misses;
  }

  /** @param {readonly number[]} units @param {number} now @param {number} retryAfterMs */
  refuse(units, now, retryAfterMs) {
    const limitedBy = this.terms.flatMap(({ key, state }, i) => {
      const count = /** @type {number} */ (units[i]);
      return count > 0 && state.check(now, count) > 0 ? [key] : [];
    });
    return new PlainRefusal(limitedBy, retryAfterMs);
  }

  /** @param {string} key */
  indexOf(key) {
    const index = this.terms.findIndex((term) => term.key === key);
    if (index < 0) throw new RangeError(`no limit has the key "${key}"`);
    return index;
  }

  /** Gives back the slots of a grant that was lost. @param {readonly number[]} units */
  mend(units) {
    this.settle(units, undefined, 0);
  }
}

/** @type {readonly number[]} */
const RELEASED = [];

class PlainGrant {
  /** @type {readonly number[] | undefined} */
  usage = undefined;

  /** @param {PlainSet} set @param {readonly number[]} units @param {number} takenAt */
  constructor(set, units, takenAt) {
    this.set = set;
    this.units = units;
    this.takenAt = takenAt;
    this.marker = set.watch?.mark(units);
  }

  get successful() {
    return true;
  }

  get retryAfterMs() {
    return 0;
  }

  /** @returns {string[]} */
  get limitedBy() {
    return [];
  }

  get requested() {
    const named = this.set.terms.map(({ key, unit }, i) => [
      key,
      /** @type {number} */ (this.units[i]) * unit,
    ]);
    return Object.fromEntries(named.filter(([, amount]) => amount !== 0));
  }

  /** @param {Amounts} usage */
  update(usage) {
    if (this.usage === RELEASED) throw new Error("released");
    this.usage = this.set.parseUsage(usage, this.units, this.usage);
  }

  release() {
    const usage = this.usage;
    if (usage === RELEASED) return;
    this.usage = RELEASED;
    const set = this.set;
    if (this.marker !== undefined) {
      set.watch?.unmark(this.marker);
      this.marker = undefined;
    }
    const misses = set.settle(this.units, usage, this.takenAt);
    if (misses && set.missingUpdate === "throw") throw new Error("usage is missing");
  }
}

class PlainRefusal {
  /** @param {string[]} limitedBy @param {number} retryAfterMs */
  constructor(limitedBy, retryAfterMs) {
    this.limitedBy = limitedBy;
    this.retryAfterMs = retryAfterMs;
  }

  get successful() {
    return false;
  }

  get requested() {
    return {};
  }

  update() {}

  release() {}
}

/** @param {Limit} limit @returns {Term} */
function termOf(limit) {
  const unit = limit.type === "rate" ? limit.unit : 1;
  const ceiling = toUnits(limit.capacity, unit);
  const isResource = limit.type === "resource";
  const state = isResource
    ? new PlainResource(ceiling)
    : new PlainBucket(ceiling, toUnits(limit.windowMs, MICROSECOND));
  const isRate = limit.type === "rate";
  return { key: limit.key, unit, ceiling, automatic: isRate ? 0 : 1, isResource, isRate, state };
}

/** An amount in units; -1 if it is no whole number of units. @param {number | undefined} amount @param {number} unit */
function toUnits(amount, unit) {
  if (unit === 1) return Number.isSafeInteger(amount) ? /** @type {number} */ (amount) : -1;
  if (typeof amount !== "number") return -1;
  const units = Math.round(amount / unit);
  const exact = Math.abs(units * unit - amount) <= Math.abs(amount) * 4 * Number.EPSILON;
  return exact && Number.isSafeInteger(units) ? units : -1;
}

/** @param {readonly number[]} list @returns {number[]} */
function copyOf(list) {
  const [a = 0, b = 0, c = 0, d = 0] = list;
  switch (list.length) {
    case 1:
      return [a];
    case 2:
      return [a, b];
    case 4:
      return [a, b, c, d];
    default:
      return list.slice();
  }
}
