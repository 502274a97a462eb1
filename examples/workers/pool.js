// Four workers summarize texts under one budget of tokens. See README.md.
import { parseArgs } from "node:util";
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { whole } from "../llm/report.js";
import { startApi } from "../llm/server.js";
import { LostError, Summarizer } from "./summarizer.js";

const { values } = parseArgs({
  options: {
    mode: { type: "string", default: "thread" },
    texts: { type: "string", default: "200" },
    loss: { type: "string", default: "10" },
  },
});
const mode = /** @type {import("limitset/worker").WorkerMode} */ (values.mode);

const api = await startApi({
  calls: { capacity: 100, windowMs: 1_000 },
  inputTokens: { capacity: 50_000, windowMs: 1_000 },
  outputTokens: { capacity: 8_000, windowMs: 1_000 },
  connections: 10,
});

// A little below the limits of the API, since HTTP requests take different times on their way.
const limits = new LimitSet({
  limits: [
    new CallLimit({ capacity: 98, windowMs: 1_000, algorithm: "gcra", burst: 49 }),
    new RateLimit({ key: "input_tokens", capacity: 49_000, windowMs: 1_000 }),
    new RateLimit({ key: "output_tokens", capacity: 7_800, windowMs: 1_000 }),
    new ResourceLimit({ key: "connections", capacity: 10 }),
  ],
});

const pool = Summarizer.options({
  mode,
  maxWorkers: 4,
  limits,
  numRetries: 12,
  retryOn: LostError,
  retryWaitMs: 20,
}).init(api.url, Number(values.loss));

const texts = Array.from({ length: Number(values.texts) }, (_, i) => ({
  words: 200 + ((i * 7919) % 800),
  summary: 40 + ((i * 104_729) % 200),
}));
const start = performance.now();
const answers = await Promise.all(texts.map((text) => pool.summarize(text)));
const seconds = (performance.now() - start) / 1000;
const { output_tokens, connections } = limits.stats();

await pool.stop();
await api.close();

const places = new Map();
for (const { where } of answers) places.set(where, (places.get(where) ?? 0) + 1);
const refused = answers.filter((answer) => answer.refused).length;
const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0);
console.log(`mode "${mode}": ${answers.length} texts, ${whole(tokens)} tokens in ${seconds.toFixed(1)} s`);
for (const [where, count] of places) console.log(`  ${count} in ${where}`);
console.log(`429s ${refused}; connections at most ${api.peakConnections()}, still held ${connections.used}`);
console.log(
  `output tokens left: ${whole(Math.floor(output_tokens.available))} of ${whole(output_tokens.capacity)}`,
);
if (refused > 0 || connections.used > 0) process.exitCode = 1;
