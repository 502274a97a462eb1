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
 * Limits that hold from a time on.
 * @typedef {object} Phase
 * @property {number} from milliseconds since the Unix epoch
 * @property {ApiLimits} client
 */

/**
 * The usage of each rate between the first arrival and the last request that was let through. In that time a limit permits
 * its initial burst and the amount that refills. A smaller burst takes away the difference, a larger one adds it: so it is the last
 * that counts.
 * @param {Tally} tally
 * @param {ApiLimits} api
 * @param {readonly Phase[]} phases in order
 * @returns {RateUse[]}
 */
export function rateUses(tally, api, phases) {
  const end = tally.lastSentAt;
  const past = phases.filter(({ from }, i) => i === 0 || from < end);
  const client = past.at(-1)?.client ?? api;
  /**
   * @param {string} key
   * @param {"calls" | "inputTokens" | "outputTokens"} limit
   * @param {number} used
   */
  const use = (key, limit, used) => {
    const { capacity, burst = capacity } = client[limit];
    const permitted = past.reduce((sum, { from, client: own }, i) => {
      const elapsedMs = Math.max(0, (past[i + 1]?.from ?? end) - from);
      return sum + (own[limit].capacity * elapsedMs) / own[limit].windowMs;
    }, burst);
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
