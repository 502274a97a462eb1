/** @typedef {import("./api-limits.js").Allowance} Allowance */
/** @typedef {import("./api-limits.js").ApiLimits} ApiLimits */
/** @typedef {import("./tally.js").Tally} Tally */

/**
 * @typedef {object} RateUse
 * @property {string} key
 * @property {Allowance} api
 * @property {Allowance} client
 * @property {number} used tokens as the answers reported them, not as reserved
 * @property {number} share of the amount that the client's limit permitted
 */

/**
 * The usage of each rate between the first arrival and the last request that was let through. In that time a limit permits
 * its initial burst and the amount that refills.
 * @param {Tally} tally
 * @param {ApiLimits} api
 * @param {ApiLimits} client
 * @param {number} startAt milliseconds since the Unix epoch
 * @returns {RateUse[]}
 */
export function rateUses(tally, api, client, startAt) {
  const elapsedMs = Math.max(0, tally.lastSentAt - startAt);
  /**
   * @param {string} key
   * @param {"calls" | "inputTokens" | "outputTokens"} limit
   * @param {number} used
   */
  const use = (key, limit, used) => {
    const { capacity, windowMs, burst = capacity } = client[limit];
    const permitted = burst + (capacity * elapsedMs) / windowMs;
    return { key, api: api[limit], client: client[limit], used, share: used / permitted };
  };
  return [
    use("call_count", "calls", tally.sent),
    use("input_tokens", "inputTokens", tally.inputTokens),
    use("output_tokens", "outputTokens", tally.outputTokens),
  ];
}

/**
 * The limit that held the run back.
 * @param {RateUse[]} uses
 */
export const binding = (uses) => uses.reduce((most, use) => (use.share > most.share ? use : most));

/**
 * The nearest-rank percentile.
 * @param {readonly number[]} values
 * @param {number} percent
 * @returns {number} 0 if there are none
 */
export function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
}
