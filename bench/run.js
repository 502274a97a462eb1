import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { judge, verdicts } from "./bounds.js";
import { checkPlain } from "./plain/agree.js";
import { NAMES } from "./section.js";
import { table } from "./table.js";

const PEERS = [
  "limiter",
  "rate-limiter-flexible",
  "bottleneck",
  "p-queue",
  "p-limit",
  "p-throttle",
  "async-sema",
  "cockatiel",
  "@tanstack/pacer",
  "effect",
];

const HELP = `Compares limitset with other limiters and with two floors, in one run, a process for each section.

  npm run bench -- [options]

  --quick          fewer and shorter rounds: for a look, not for a verdict
  --only PATTERN   sections and cases whose title or name matches (a regular expression, case ignored)
  --json FILE      writes the results there too
  --check          exits with 1 if a bound does not hold
  --help

A ratio is the median over all rounds of the ratio within a round; its quartiles stand in parentheses.`;

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    json: { type: "string" },
    check: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) console.log(HELP);
else await bench();

async function bench() {
  const effort = flags.quick
    ? { rounds: 7, roundMs: 10, warmMs: 60 }
    : { rounds: 30, roundMs: 20, warmMs: 240 };
  checkPlain();
  const machine = describe();
  console.log(`# limitset beside other limiters\n\n${machine.line}`);
  console.log(
    `${effort.rounds} rounds of ${effort.roundMs} ms a case, shuffled; ratios are medians (quartiles)\n`,
  );

  /** @type {import("./table.js").Result[]} */
  const sections = [];
  /** @type {Answer["times"][]} */
  const times = [];
  for (const name of NAMES) {
    const answer = await ask({ name, only: flags.only, effort });
    if (!answer.result) continue;
    console.log(table(answer.result));
    sections.push(answer.result);
    times.push(answer.times);
  }
  const bounds = judge(times);
  if (bounds.length > 0) console.log(verdicts(bounds));

  if (flags.json) {
    writeFileSync(flags.json, `${JSON.stringify({ machine, effort, sections, bounds }, null, 2)}\n`);
  }
  if (flags.check && bounds.some(({ verdict }) => verdict === "FAILS")) process.exitCode = 1;
}

/** @typedef {import("./section.js").Answer} Answer */

/** @param {import("./section.js").Order} order @returns {Promise<Answer>} */
async function ask(order) {
  const child = fork(new URL("./section.js", import.meta.url));
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`section ${order.name} ended with code ${code} and no answer`);
  });
  child.send(order);
  const [answer] = await Promise.race([once(child, "message"), failed]);
  failed.catch(() => {});
  return answer;
}

function describe() {
  const peers = Object.fromEntries(PEERS.map((name) => [name, version(name)]));
  const processors = cpus();
  const cpu = processors[0]?.model.trim() ?? "unknown processor";
  const listed = Object.entries(peers).map(([name, at]) => `${name} ${at}`);
  const line = `Node ${process.versions.node}, ${processors.length} x ${cpu}; ${listed.join(", ")}`;
  return { node: process.versions.node, cpu, cores: processors.length, peers, line };
}

/** @param {string} name @returns {string} */
function version(name) {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}
