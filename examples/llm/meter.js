import { TokenBucket } from "./token-bucket.js";

/** @typedef {import("./api-limits.js").ApiLimits} ApiLimits */
/** @typedef {"call_count" | "input_tokens" | "output_tokens" | "connections"} LimitName */
/** @typedef {{ limit: LimitName, retryAfterMs: number }} Refusal */

/** The wait that a client without a free connection is told: it is not known when one will be free. */
const CONNECTION_RETRY_MS = 100;

/**
 * The API's account of a customer. All limits are checked first, and then all are charged. Input counts on arrival; output
 * counts as reserved, and is corrected when the answer is complete.
 */
export class Meter {
  #calls;
  #input;
  #output;
  #connections;
  #inProgress = 0;
  #peak = 0;

  /**
   * @param {ApiLimits} limits
   * @param {() => number} [now] milliseconds
   */
  constructor(limits, now) {
    this.#calls = new TokenBucket(limits.calls, now);
    this.#input = new TokenBucket(limits.inputTokens, now);
    this.#output = new TokenBucket(limits.outputTokens, now);
    this.#connections = limits.connections;
  }

  /** @param {ApiLimits} limits that hold from now on */
  change({ calls, inputTokens, outputTokens, connections }) {
    this.#calls.change(calls);
    this.#input.change(inputTokens);
    this.#output.change(outputTokens);
    this.#connections = connections;
  }

  /** The most requests that were in progress at one time. */
  get peak() {
    return this.#peak;
  }

  /**
   * @param {number} inputTokens
   * @param {number} maxTokens
   * @returns {Refusal | undefined} undefined if the request may pass
   */
  enter(inputTokens, maxTokens) {
    const refusal = this.#refusal(inputTokens, maxTokens);
    if (refusal) return refusal;
    this.#calls.take(1);
    this.#input.take(inputTokens);
    this.#output.take(maxTokens);
    this.#inProgress++;
    this.#peak = Math.max(this.#peak, this.#inProgress);
    return undefined;
  }

  /** @param {number} unusedTokens of the output reserved */
  leave(unusedTokens) {
    this.#output.giveBack(unusedTokens);
    this.#inProgress--;
  }

  /**
   * @param {number} inputTokens
   * @param {number} maxTokens
   * @returns {Refusal | undefined} the limit that takes longest to allow it
   */
  #refusal(inputTokens, maxTokens) {
    /** @type {Refusal[]} */
    const waits = [
      { limit: "call_count", retryAfterMs: this.#calls.waitMs(1) },
      { limit: "input_tokens", retryAfterMs: this.#input.waitMs(inputTokens) },
      { limit: "output_tokens", retryAfterMs: this.#output.waitMs(maxTokens) },
      {
        limit: "connections",
        retryAfterMs: this.#inProgress < this.#connections ? 0 : CONNECTION_RETRY_MS,
      },
    ];
    const longest = waits.reduce((worst, wait) => (wait.retryAfterMs > worst.retryAfterMs ? wait : worst));
    return longest.retryAfterMs > 0 ? longest : undefined;
  }
}
