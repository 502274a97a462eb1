/** @typedef {import("./traffic.js").Request} Request */

/**
 * @typedef {object} Allowance
 * @property {number} capacity
 * @property {number} windowMs
 * @property {number} [burst] the most that may be taken at once, if that is less than the capacity
 */

/**
 * The limits that a language-model API sets for a customer, or those that the customer keeps to.
 * @typedef {object} ApiLimits
 * @property {Allowance} calls
 * @property {Allowance} inputTokens
 * @property {Allowance} outputTokens
 * @property {number} connections
 */

/** The length of a minute of the API's limits, so that a run shows several. A second stays a second. */
export const MINUTE_MS = 5_000;

/**
 * The client stays 2 % under the API. While a request is delayed on the way, the API's bucket may be full and so does not
 * refill; the difference makes up for that.
 */
const CLIENT_PERCENT = 98;

/** All requests arrive within this part of the run, so that more of them wait than the limits let through. */
export const ARRIVAL_SHARE = 0.5;

/**
 * The limits with which the client lets these requests through in about `seconds`. Output tokens bind; the other limits are
 * a little wider than needed, so that bursts meet them too.
 * @param {readonly Request[]} requests
 * @param {number} seconds
 * @param {boolean} [shrink] whether the API halves its limits for a while: each request has to fit the half, too
 * @returns {ApiLimits}
 */
export function apiLimitsFor(requests, seconds, shrink = false) {
  const input = requests.map((request) => request.inputTokens);
  const output = requests.map((request) => request.outputTokens);
  /**
   * @param {number} total over the run, which begins with a full bucket
   * @param {number} windowMs
   * @param {number} [least] the amount that one request needs
   */
  const allowance = (total, windowMs, least = 1) => ({
    capacity: above(
      Math.max((total * windowMs) / (seconds * 1000 + windowMs), shrink ? 2 * least : least, 1),
    ),
    windowMs,
  });
  const inProgress = (requests.length / (seconds * 1000)) * serviceMs(sum(output) / output.length);
  return {
    calls: allowance(1.4 * requests.length, 1_000),
    inputTokens: allowance(1.25 * sum(input), MINUTE_MS, max(input)),
    outputTokens: allowance(sum(output), MINUTE_MS, max(requests.map(maxTokens))),
    connections: above(Math.max(3 * inProgress, 4)),
  };
}

/**
 * @param {ApiLimits} api
 * @returns {ApiLimits} the limits of an API that lets only half as much through
 */
export function half({ calls, inputTokens, outputTokens, connections }) {
  const less = (/** @type {Allowance} */ { capacity, windowMs }) => ({
    capacity: Math.ceil(capacity / 2),
    windowMs,
  });
  return {
    calls: less(calls),
    inputTokens: less(inputTokens),
    outputTokens: less(outputTokens),
    connections: Math.ceil(connections / 2),
  };
}

/**
 * @param {ApiLimits} api
 * @returns {ApiLimits} the limits of a careful client
 */
export function underneath(api) {
  /** @param {number} amount */
  const less = (amount) => Math.max(1, Math.floor((amount * CLIENT_PERCENT) / 100));
  /** @param {Allowance} allowance */
  const lower = ({ capacity, windowMs }) => ({ capacity: less(capacity), windowMs });
  return {
    // 2 % of a second is 20 ms. Bursts of half a second leave the API's bucket the other half for delays on the way.
    calls: { ...lower(api.calls), burst: less(api.calls.capacity / 2) },
    inputTokens: lower(api.inputTokens),
    outputTokens: lower(api.outputTokens),
    connections: less(api.connections),
  };
}

/**
 * The `max_tokens` that a caller would have set: traces do not record it, and callers set more than they need.
 * @param {Request} request
 */
export const maxTokens = (request) => 2 ** Math.ceil(Math.log2(Math.max(16, request.outputTokens)));

/**
 * How long the API takes for an answer.
 * @param {number} outputTokens
 */
export const serviceMs = (outputTokens) => 5 + 0.45 * outputTokens;

/**
 * The least limit of the API with which the client may use `amount`.
 * @param {number} amount
 */
const above = (amount) => Math.ceil((amount * 100) / CLIENT_PERCENT);

/** @param {number[]} values */
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** @param {number[]} values */
const max = (values) => values.reduce((most, value) => Math.max(most, value), 0);
