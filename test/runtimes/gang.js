// A class of workers for any runtime.
import { Worker } from "../../dist/worker/index.js";

export class Tired extends Error {
  /** @param {string} message @param {number} hours */
  constructor(message, hours) {
    super(message);
    this.hours = hours;
  }
}

export class Gang extends Worker {
  /** @override */
  static module = import.meta.url;
  /** @private */
  attempts = 0;

  /** @param {number} a @param {number} b */
  add(a, b) {
    return a + b;
  }

  /** Acquires, and never releases. @param {Record<string, number>} amounts */
  async keep(amounts) {
    return (await this.limits.acquire(amounts)).requested;
  }

  /** Acquires without a release, waits, and fails `times` times. @param {number} times */
  async stumble(times) {
    this.attempts++;
    await this.limits.acquire({ db: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1));
    await this.inner();
    if (this.attempts <= times) throw new Tired(`attempt ${this.attempts}`, this.attempts);
    return this.attempts;
  }

  async inner() {
    await this.limits.acquire({ db: 1 });
  }

  /** @param {number} ms @param {{ signal: AbortSignal }} options */
  async until(ms, { signal }) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
    return signal.aborted;
  }

  /** Acquires, and crashes. */
  async fall() {
    await this.limits.acquire({ db: 2 });
    setTimeout(() => {
      throw new Tired("fallen", 24);
    });
    await new Promise(() => {});
  }

  async forget() {
    (await this.limits.acquire({ tokens: 1, db: 2 })).release();
  }
}
