import { parseArgs } from "node:util";

export const HELP = `Replays language-model requests against a local API that enforces limits, through one LimitSet.

usage: npm run demo -- [options]

  --trace FILE     replay a CSV with the columns TIMESTAMP,ContextTokens,GeneratedTokens
                   (default: generated traffic of the same shape)
  --seconds S      how long the run should take, about (default 15)
  --requests N     how many requests to replay (default 200 for each second)
  --seed N         another sequence of generated traffic (default 1)
  --threads N      send from N threads that share the LimitSet, 1 to 32 (default: from the main thread)
  --processes N    send from N processes that take from the LimitSet of this one, 1 to 32
  --change         the API halves its limits for the middle third of the run, and gives them back
  --no-limits      send without a LimitSet, to see the 429s
  --help           this text

Exits with 0 if there were no 429s (but of requests on their way when the limits shrank) and at least 95 % of what the binding limit permitted was used;
with 1 if not, or if the trace cannot be read; with 2 on a wrong option. With --no-limits: always 0.
`;

/**
 * @typedef {object} Options
 * @property {string | undefined} trace
 * @property {number} seconds
 * @property {number} requests
 * @property {number} seed
 * @property {number} threads
 * @property {number} processes if both are 0, the main thread sends
 * @property {boolean} change
 * @property {boolean} limits
 * @property {boolean} help
 */

/** A wrong option; the message is for the user. */
export class UsageError extends Error {}

/**
 * @param {string[]} args
 * @returns {Options}
 * @throws {UsageError} on an unknown option or a value that cannot be used
 */
export function parseOptions(args) {
  const values = parse(args);
  if (values.threads !== undefined && values.processes !== undefined) {
    throw new UsageError("--threads or --processes, not both");
  }
  const seconds = number("seconds", values.seconds ?? "15", { min: 1, max: 3600, whole: false });
  const fallback = String(Math.round(200 * seconds));
  return {
    trace: values.trace,
    seconds,
    requests: number("requests", values.requests ?? fallback, { min: 1, max: 1_000_000, whole: true }),
    seed: number("seed", values.seed ?? "1", { min: 0, max: 2 ** 32 - 1, whole: true }),
    threads: number("threads", values.threads ?? "0", { min: values.threads ? 1 : 0, max: 32, whole: true }),
    processes: number("processes", values.processes ?? "0", {
      min: values.processes ? 1 : 0,
      max: 32,
      whole: true,
    }),
    change: values.change ?? false,
    limits: !values["no-limits"],
    help: values.help ?? false,
  };
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        trace: { type: "string" },
        seconds: { type: "string" },
        requests: { type: "string" },
        seed: { type: "string" },
        threads: { type: "string" },
        processes: { type: "string" },
        change: { type: "boolean" },
        "no-limits": { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {{ min: number, max: number, whole: boolean }} bounds
 */
function number(name, text, { min, max, whole }) {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
    const kind = whole ? "a whole number" : "a number";
    throw new UsageError(`--${name} must be ${kind} from ${min} to ${max}, got "${text}"`);
  }
  return value;
}
