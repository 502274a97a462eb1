// The cold start: from the import to the first decision, in a fresh process each time, beside `limiter`. Prints the first quartile of
// each program, which a busy machine disturbs less than the median, and the ratio of the two.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROUNDS = 25;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const limiter = join(dirname(createRequire(import.meta.url).resolve("limiter")), "..");

const OURS = `
  const limits = new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000 })] });
  if (!limits.tryAcquire({ tokens: 1 }).successful) throw new Error("refused");`;
const THEIRS = `
  const limiter = new RateLimiter({ tokensPerInterval: 10, interval: "second" });
  if (!limiter.tryRemoveTokens(1)) throw new Error("refused");`;

/** @param {string} load @param {string} decide */
const program = (load, decide) =>
  `const start = performance.now(); ${load} ${decide} console.log(performance.now() - start);`;

/** @param {string} path */
const imported = (path) => `await import(${JSON.stringify(pathToFileURL(path).href)});`;
/** @param {string} path */
const required = (path) => `require(${JSON.stringify(path)});`;

/** The way to load -> the programs, ours first. */
const PROGRAMS = {
  import: {
    "limitset.mjs": program(`const { LimitSet, RateLimit } = ${imported(join(dist, "index.js"))}`, OURS),
    "limiter.mjs": program(`const { RateLimiter } = ${imported(join(limiter, "esm/index.js"))}`, THEIRS),
  },
  require: {
    "limitset.cjs": program(`const { LimitSet, RateLimit } = ${required(join(dist, "index.cjs"))}`, OURS),
    "limiter.cjs": program(`const { RateLimiter } = ${required(join(limiter, "cjs/index.js"))}`, THEIRS),
  },
};

const folder = mkdtempSync(join(tmpdir(), "limitset-start-"));
/** @type {Map<string, number[]>} */
const times = new Map();
const names = Object.values(PROGRAMS).flatMap((programs) => Object.entries(programs));
for (const [name, text] of names) writeFileSync(join(folder, name), text);
// In turn, so that all programs meet the same machine.
for (let round = 0; round < ROUNDS; round++) {
  for (const [name] of names) {
    const ms = Number(execFileSync(process.execPath, [join(folder, name)], { encoding: "utf8" }));
    times.set(name, [...(times.get(name) ?? []), ms]);
  }
}
rmSync(folder, { recursive: true });

/** @param {string} name */
const quartile = (name) => (times.get(name) ?? []).sort((a, b) => a - b)[ROUNDS >> 2] ?? Number.NaN;

for (const [way, programs] of Object.entries(PROGRAMS)) {
  const [ours = Number.NaN, theirs = Number.NaN] = Object.keys(programs).map(quartile);
  const ratio = (ours / theirs).toFixed(2);
  console.log(`${way}: limitset ${ours.toFixed(2)} ms, limiter ${theirs.toFixed(2)} ms, ratio ${ratio}`);
}
