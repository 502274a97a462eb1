import { basename } from "node:path";
import { LimitSet } from "limitset";
import { ARRIVAL_SHARE, apiLimitsFor, half, MINUTE_MS, underneath } from "./api-limits.js";
import { startClients } from "./clients.js";
import { limitsFor } from "./limits.js";
import { HELP, parseOptions, UsageError } from "./options.js";
import { showProgress } from "./progress.js";
import { percent, report, whole } from "./report.js";
import { startApi } from "./server.js";
import { binding, rateUses } from "./summary.js";
import { epochMs, refusals } from "./tally.js";
import { readTrace, TraceError } from "./trace.js";
import { compress, generateTraffic, repeat } from "./traffic.js";

/** @typedef {import("./options.js").Options} Options */
/** @typedef {import("./api-limits.js").ApiLimits} ApiLimits */

const SHARE_WANTED = 0.95;

/** With fewer requests than this the result is too coarse: the last one alone would decide the share. */
const FEWEST = 200;

/**
 * @param {Options} options
 * @returns {{ requests: import("./traffic.js").Request[], source: string }}
 */
function traffic({ trace, requests: count, seconds, seed }) {
  const all = trace === undefined ? generateTraffic(count, seed) : readTrace(trace);
  const chosen = repeat(all, Math.min(count, FEWEST)).slice(0, count);
  const source = trace === undefined ? "generated" : `from the ${whole(all.length)} of ${basename(trace)}`;
  return { requests: compress(chosen, seconds * ARRIVAL_SHARE * 1000), source };
}

/**
 * Halves the API's limits for the middle third of the run.
 * @param {import("./server.js").Api} api
 * @param {ApiLimits} allowed
 * @param {number} seconds
 * @param {import("./summary.js").Phase[]} phases gets the limits that hold from then on
 */
function changeLimits(api, allowed, seconds, phases) {
  const [less, third] = [half(allowed), (seconds * 1000) / 3];
  /** @param {ApiLimits} limits */
  const change = (limits) => {
    api.change(limits);
    phases.push({ from: epochMs(), client: underneath(limits) });
  };
  const timers = [setTimeout(change, third, less), setTimeout(change, 2 * third, allowed)];
  return () => timers.forEach(clearTimeout);
}

/**
 * @param {Options} options
 * @returns {Promise<number>} the exit code
 */
async function run(options) {
  const { requests, source } = traffic(options);
  const allowed = apiLimitsFor(requests, options.seconds, options.change);
  const own = underneath(allowed);
  const api = await startApi(allowed);
  const limits = options.limits ? new LimitSet({ limits: limitsFor(own) }) : undefined;
  /** @type {import("./summary.js").Phase[]} */
  const phases = [];
  /** @type {import("./clients.js").Clients | undefined} */
  let clients;
  let startAt = 0;
  let stopChanges = () => {};
  try {
    const { threads, processes } = options;
    const { connections } = own;
    clients = await startClients({ threads, processes, url: api.url, requests, connections, limits });
    console.log(
      `${whole(requests.length)} requests ${source}, ${way(options)}; a minute passes in ${MINUTE_MS / 1000} s\n`,
    );
    const stopProgress = showProgress(clients.tally, requests.length);
    startAt = epochMs();
    phases.push({ from: startAt, client: own });
    if (options.change) stopChanges = changeLimits(api, allowed, options.seconds, phases);
    try {
      await clients.replay(startAt);
    } finally {
      stopProgress();
    }
  } finally {
    stopChanges();
    await clients?.close();
    limits?.close();
    await api.close();
  }

  const tally = clients.tally();
  const uses = rateUses(tally, allowed, phases);
  const seconds = (epochMs() - startAt) / 1000;
  const connections = { api: allowed.connections, client: own.connections, peak: api.peakConnections() };
  console.log(report({ tally, uses, connections, seconds, limited: options.limits }));
  if (!options.limits) return 0;

  const { key, share } = binding(uses);
  const refused = refusals(tally) - tally.onTheWay;
  const passed = refused === 0 && share >= SHARE_WANTED;
  const verdict = `${refused} answers of 429, ${percent(share)} of what ${key} permitted was used`;
  console.log(`\n${passed ? "passed" : "FAILED (wanted: no 429s, 95 % or more)"}: ${verdict}`);
  return passed ? 0 : 1;
}

/** @param {Options} options */
function way({ limits, change, threads, processes }) {
  const through = limits ? "through one LimitSet" : "without limits";
  const set = change ? `${through}, with limits that are halved for a third of the run` : through;
  if (threads > 0) return `${set} from ${threads} ${threads === 1 ? "thread" : "threads"}`;
  if (processes > 0) return `${set} from ${processes} ${processes === 1 ? "process" : "processes"}`;
  return set;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(HELP);
  else process.exitCode = await run(options);
} catch (error) {
  const usage = error instanceof UsageError;
  if (!usage && !(error instanceof TraceError)) throw error;
  console.error(`demo: ${error.message}${usage ? "\nTry --help." : ""}`);
  process.exitCode = usage ? 2 : 1;
}
