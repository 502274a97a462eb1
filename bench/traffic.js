// An hour of real requests through one set, beside a stream of small ones, in strict order and as the set serves them:
//   node bench/traffic.js llm-requests.csv
// The file has a line for each request: its time, its prompt tokens, its generated tokens (the Azure LLM inference traces have this
// form). Time is moved by hand.
import { readFileSync } from "node:fs";
import { CallLimit, LimitSet, RateLimit } from "limitset";
import { ManualClock } from "limitset/testing";

const SMALL_EVERY_MS = 500;
const LOAD = 0.95;

/** @typedef {{ at: number, tokens: number }} Arrival */

/** @param {string} file @returns {Arrival[]} */
function read(file) {
  const [, ...lines] = readFileSync(file, "utf8").trim().split("\n");
  const rows = lines.map((line) => {
    const [time = "", tokens] = line.split(",");
    return { at: Date.parse(`${time.replace(" ", "T").slice(0, 23)}Z`), tokens: Number(tokens) };
  });
  const start = rows[0]?.at ?? 0;
  return rows.map(({ at, tokens }) => ({ at: at - start, tokens }));
}

/** @param {number[]} values @param {number} part */
function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/**
 * @param {Arrival[]} large @param {{ calls: number, isStrict: boolean }} options
 * @returns {Promise<{ large: number[], small: number[] }>} the wait of each request, in milliseconds
 */
async function play(large, { calls, isStrict }) {
  const end = large.at(-1)?.at ?? 0;
  const sum = large.reduce((total, { tokens }) => total + tokens, 0);
  const perMinute = Math.ceil(sum / LOAD / (end / 60_000));
  const clock = new ManualClock(0);
  const limits = new LimitSet({
    limits: [
      new CallLimit({ capacity: calls, windowMs: 60_000 }),
      new RateLimit({ key: "input_tokens", capacity: perMinute, windowMs: 60_000 }),
    ],
    clock,
  });
  /** @type {Promise<unknown>} */
  let tail = Promise.resolve();
  /** @param {{ input_tokens: number }} request */
  const acquire = (request) => {
    if (!isStrict) return limits.acquire(request);
    const mine = tail.then(() => limits.acquire(request));
    tail = mine;
    return mine;
  };
  /** @type {{ large: number[], small: number[] }} */
  const waits = { large: [], small: [] };
  /** @type {Promise<void>[]} */
  const all = [];
  /** @param {"large" | "small"} kind @param {number} tokens */
  const send = (kind, tokens) => {
    const from = clock.now();
    all.push(
      acquire({ input_tokens: tokens }).then((acquisition) => {
        waits[kind].push(clock.now() - from);
        if (tokens > 0) acquisition.update({ input_tokens: tokens });
        acquisition.release();
      }),
    );
  };
  let next = SMALL_EVERY_MS;
  for (const { at, tokens } of large) {
    for (; next <= at; next += SMALL_EVERY_MS) {
      await clock.setAsync(next);
      send("small", 0);
    }
    await clock.setAsync(at);
    send("large", Math.min(tokens, perMinute));
  }
  await clock.setAsync(end + 3_600_000);
  await Promise.all(all);
  return waits;
}

const [file] = process.argv.slice(2);
if (!file) throw new Error("name the file of requests");
const large = read(file);
console.log("waits in ms".padEnd(34), "small p50", "small p99", "large p50", "large p99");
for (const calls of [6000, 2000, 1000, 400]) {
  for (const isStrict of [true, false]) {
    const waits = await play(large, { calls, isStrict });
    const row = [waits.small, waits.large].flatMap((each) => [quantile(each, 0.5), quantile(each, 0.99)]);
    const name = `${calls} calls a minute, ${isStrict ? "strict order" : "limitset"}`;
    console.log(name.padEnd(34), ...row.map((ms) => ms.toFixed(0).padStart(9)));
  }
}
