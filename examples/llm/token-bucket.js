/**
 * The API's own bucket, in floating point and apart from limitset's core, so that one can be wrong without the other.
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

  /** What could be taken at once. */
  get level() {
    const now = this.#now();
    this.#fill((now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#level;
  }

  /**
   * How long until `amount` could be taken: 0 if now, Infinity if never.
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
