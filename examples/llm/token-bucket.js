/**
 * The API's own bucket. It shares no code with limitset's core, so that an error in one does not hide in the other.
 * It starts full, refills continuously and holds at most its capacity.
 */
export class TokenBucket {
  #capacity;
  #perMs;
  #now;
  #level;
  #at;

  /**
   * @param {import("./api-limits.js").Allowance} allowance
   * @param {() => number} [now] milliseconds
   */
  constructor({ capacity, windowMs }, now = () => performance.now()) {
    this.#capacity = capacity;
    this.#perMs = capacity / windowMs;
    this.#now = now;
    this.#level = capacity;
    this.#at = now();
  }

  /**
   * The bucket has another size and rate from now on. All that was taken stays taken, so that less than nothing may be left.
   * @param {import("./api-limits.js").Allowance} allowance
   */
  change({ capacity, windowMs }) {
    this.#level = this.level + capacity - this.#capacity;
    this.#capacity = capacity;
    this.#perMs = capacity / windowMs;
  }

  /** The amount that could be taken now. */
  get level() {
    const now = this.#now();
    this.#fill((now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#level;
  }

  /**
   * The time until `amount` can be taken, in milliseconds: 0 if now, Infinity if never.
   * @param {number} amount
   */
  waitMs(amount) {
    if (amount > this.#capacity) return Number.POSITIVE_INFINITY;
    return Math.max(0, (amount - this.level) / this.#perMs);
  }

  /** @param {number} amount not more than the level */
  take(amount) {
    this.#level = this.level - amount;
  }

  /** @param {number} amount taken before and not used */
  giveBack(amount) {
    this.#fill(amount);
  }

  /** @param {number} amount */
  #fill(amount) {
    this.#level = Math.min(this.#capacity, this.#level + amount);
  }
}
