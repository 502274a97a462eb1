import { readFileSync } from "node:fs";

/** @typedef {import("./traffic.js").Request} Request */

const HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens";
const MAX_TOKENS = 1_000_000;

/** A trace that cannot be replayed; the message names the file and the line. */
export class TraceError extends Error {}

/**
 * @param {string} path a CSV such as the Azure Public Dataset's LLM inference traces
 * @returns {Request[]} in order of arrival, the first at 0
 * @throws {TraceError}
 */
export function readTrace(path) {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new TraceError(`cannot read the trace: ${error instanceof Error ? error.message : error}`);
  }
  return parseTrace(text, path);
}

/**
 * @param {string} text
 * @param {string} name of the file, for messages
 * @returns {Request[]}
 */
export function parseTrace(text, name) {
  const [header = "", ...lines] = text.trim().split(/\r?\n/);
  if (header.trim() !== HEADER) {
    throw new TraceError(`${name}:1: expected the header "${HEADER}", got ${quote(header)}`);
  }
  if (lines.length === 0) throw new TraceError(`${name}:2: expected a request, got the end of the file`);
  const requests = lines.map((line, i) => parseLine(line, `${name}:${i + 2}`));
  requests.sort((a, b) => a.at - b.at);
  const first = requests[0]?.at ?? 0;
  return requests.map((request) => ({ ...request, at: request.at - first }));
}

/**
 * @param {string} line
 * @param {string} where
 * @returns {Request}
 */
function parseLine(line, where) {
  const fields = line.split(",").map((field) => field.trim());
  const [timestamp = "", input = "", output = ""] = fields;
  if (fields.length !== 3) {
    throw new TraceError(`${where}: expected 3 columns (${HEADER}), got ${fields.length}: ${quote(line)}`);
  }
  // The traces are in UTC, though they do not say so. In local time, changes of the clock would leave gaps.
  const at = Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(timestamp) ? timestamp : `${timestamp.replace(" ", "T")}Z`);
  if (Number.isNaN(at)) {
    throw new TraceError(`${where}: TIMESTAMP must be like 2023-11-16 18:15:46.68, got ${quote(timestamp)}`);
  }
  return {
    at,
    inputTokens: tokens(input, "ContextTokens", where),
    outputTokens: tokens(output, "GeneratedTokens", where),
  };
}

/**
 * @param {string} field
 * @param {string} column
 * @param {string} where
 */
function tokens(field, column, where) {
  if (!/^\d+$/.test(field) || Number(field) > MAX_TOKENS) {
    throw new TraceError(
      `${where}: ${column} must be a whole number from 0 to ${MAX_TOKENS}, got ${quote(field)}`,
    );
  }
  return Number(field);
}

/** @param {string} text */
const quote = (text) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
