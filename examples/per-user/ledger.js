// The books of the load generator, which know nothing of the library: they say whether each answer was right.

/**
 * A record of one HTTP request: when it was sent, when its answer came, and the limits that have refused it. The server decided at
 * some time between the two.
 *
 * @typedef {{ sent: number, heard: number, limitedBy: readonly string[] }} Entry
 */

/** What the clocks of the server and of this process may differ by while a window passes. */
const TOLERANCE_MS = 1;

/** The entries of one limit: of all, or of one user or one address. */
export class Account {
  /** In the order in which the answers came. @type {Entry[]} */
  #passed = [];
  /** @type {Entry[]} */
  #refused = [];
  #key;
  #capacity;
  #perMs;

  /** @param {string} key @param {number} capacity @param {number} windowMs */
  constructor(key, capacity, windowMs) {
    this.#key = key;
    this.#capacity = capacity;
    this.#perMs = capacity / windowMs;
  }

  /** @param {Entry} entry */
  add(entry) {
    if (entry.limitedBy.length === 0) this.#passed.push(entry);
    else if (entry.limitedBy.includes(this.#key)) this.#refused.push(entry);
  }

  get refused() {
    return this.#refused.length;
  }

  /** How many have passed that the definition does not permit: a bucket that is full at first, whenever within its time each was decided. */
  beyond() {
    const delay =
      this.#passed.reduce((most, { sent, heard }) => Math.max(most, heard - sent), 0) + TOLERANCE_MS;
    const capacity = this.#capacity + delay * this.#perMs;
    let level = capacity;
    let before = Number.NEGATIVE_INFINITY;
    let beyond = 0;
    for (const { heard } of this.#passed) {
      level = Math.min(capacity, level + (heard - before) * this.#perMs) - 1;
      before = heard;
      if (level > -1e-6) continue;
      beyond++;
      level = 0;
    }
    return beyond;
  }

  /** How many were refused though the bucket had room, however late those were decided that had passed before. */
  wronged() {
    const levels = this.#levels();
    let wronged = 0;
    for (const { sent, heard } of this.#refused) {
      let next = this.#after(sent);
      const last = this.#passed[next - 1];
      const refilled = last ? (levels[next - 1] ?? 0) + (sent - last.heard) * this.#perMs : this.#capacity;
      let level = Math.min(this.#capacity, refilled) - TOLERANCE_MS * this.#perMs;
      // Those that were under way at the same time may have been decided before it.
      for (; level >= 1 && next < this.#passed.length; next++) {
        if (/** @type {Entry} */ (this.#passed[next]).sent <= heard) level--;
      }
      if (level >= 1) wronged++;
    }
    return wronged;
  }

  /** What was left behind each that passed, if all were decided as late as they can have been. */
  #levels() {
    let level = this.#capacity;
    let before = 0;
    return this.#passed.map(({ heard }) => {
      level = Math.min(this.#capacity, level + (heard - before) * this.#perMs) - 1;
      before = heard;
      return level;
    });
  }

  /** The place of the first that was heard after a time. @param {number} time */
  #after(time) {
    let [low, high] = [0, this.#passed.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (/** @type {Entry} */ (this.#passed[middle]).heard <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
