import { binding, percentile } from "./summary.js";
import { refusals } from "./tally.js";

/** @typedef {import("./summary.js").RateUse} RateUse */

/**
 * @typedef {object} Result
 * @property {import("./tally.js").Tally} tally
 * @property {RateUse[]} uses
 * @property {{ api: number, client: number, peak: number }} connections
 * @property {number} seconds from the first arrival to the last answer
 * @property {boolean} limited whether a LimitSet held the requests back
 */

const LEGEND = `share: what was used of what our own limit permitted from the first arrival to the last request let
through: the burst it starts with and the refill since. Tokens count as reported, not as reserved.`;

/**
 * @param {Result} result
 * @returns {string} the table at the end of a run
 */
export function report({ tally, uses, connections, seconds, limited }) {
  const refused = Object.entries(tally.refused).map(([limit, count]) => `${limit} ${whole(count)}`);
  const onTheWay = tally.onTheWay > 0 ? [`(${whole(tally.onTheWay)} on the way when the limits shrank)`] : [];
  const reserved = limited ? ` (${whole(tally.reservedTokens)} reserved)` : "";
  const facts = [
    ["requests", `${whole(tally.sent)} in ${seconds.toFixed(1)} s`],
    ["429s", [whole(refusals(tally)), ...refused, ...onTheWay].join("  ")],
    ["tokens", `${whole(tally.inputTokens)} in, ${whole(tally.outputTokens)} out${reserved}`],
    ["waits", `p50 ${duration(percentile(tally.waits, 50))}, p99 ${duration(percentile(tally.waits, 99))}`],
  ];
  const most = binding(uses);
  const rows = uses.map((use) => [
    use.key,
    rate(use.api),
    limited ? rate(use.client) : "none",
    whole(use.used),
    limited ? percent(use.share) : "-",
    limited && use === most ? "binding" : "",
  ]);
  const { api, client, peak } = connections;
  rows.push(["connections", whole(api), limited ? whole(client) : "none", `peak ${whole(peak)}`, "-", ""]);
  return [
    ...facts.map(([name = "", value]) => `${name.padEnd(10)}${value}`),
    "",
    ...table([["limit", "the API's", "ours", "used", "share", ""], ...rows]),
    ...(limited ? ["", LEGEND] : []),
  ].join("\n");
}

/** @param {string[][]} rows the first column is aligned to the left, the others to the right */
function table(rows) {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("   ")
      .trimEnd(),
  );
}

/** @param {number} value */
export const whole = (value) => value.toLocaleString("en-US");

/** @param {number} share rounded down, so that 95 % is never claimed too early */
export const percent = (share) => `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;

/** @param {import("./api-limits.js").Allowance} allowance */
const rate = ({ capacity, windowMs, burst }) =>
  `${whole(capacity)} / ${windowMs / 1000} s${burst === undefined ? "" : `, burst ${whole(burst)}`}`;

/** @param {number} ms */
const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);
