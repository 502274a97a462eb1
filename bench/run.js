import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { judge, verdicts } from "./bounds.js";
import { describe } from "./machine.js";
import { checkPlain } from "./plain/agree.js";
import { NAMES } from "./section.js";
import { findingsTable, table } from "./table.js";

const HELP = `Compares limitset with other limiters and with floors, in one run, a process for each section, and writes
what it prints to bench/RESULTS.md.

  npm run bench -- [options]

  --quick          fewer and shorter rounds: for a look, not for a verdict; RESULTS.md stays as it is
  --only PATTERN   sections and cases whose title or name matches (a regular expression, case ignored); likewise
  --json FILE      writes the results there too
  --check          exits with 1 if a bound does not hold
  --help`;

const HOW_TO_READ = `Every ratio is of two measured in this run: the median over all rounds of the ratio within a round, its quartiles in
parentheses. 2.00 is twice as long as what the column names, 0.50 half. Rounds run in random order, so that a slow spell of
the machine falls on all alike; each section runs in a process of its own. Times (ns, per operation) are medians, and say
what a ratio is a ratio of: on another machine they differ, the ratios less.`;

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
  const { quick, only } = flags;
  const effort = quick ? { rounds: 7, roundMs: 10, warmMs: 60 } : { rounds: 30, roundMs: 20, warmMs: 240 };
  checkPlain();
  const machine = describe();
  const lines = [
    `# limitset beside other limiters\n\n${machine.line}\n`,
    `${HOW_TO_READ}\n\n${effort.rounds} rounds of ${effort.roundMs} ms a case.\n`,
  ];
  console.log(lines.join("\n"));
  const say = (/** @type {string} */ text) => {
    console.log(text);
    lines.push(text);
  };

  /** @type {Answer[]} */
  const answers = [];
  for (const name of NAMES) {
    const answer = await ask({ name, only, quick, effort });
    if (answer.result) say(table(answer.result));
    if (answer.findings) say(findingsTable(answer.findings));
    answers.push(answer);
  }
  const bounds = judge(answers.map(({ times }) => times));
  if (bounds.length > 0) say(verdicts(bounds));

  if (!quick && only === "") writeFileSync(new URL("RESULTS.md", import.meta.url), lines.join("\n"));
  if (flags.json) {
    const sections = answers.flatMap(({ result, findings }) => result ?? findings ?? []);
    writeFileSync(flags.json, `${JSON.stringify({ machine, effort, sections, bounds }, null, 2)}\n`);
  }
  if (flags.check && bounds.some(({ verdict }) => verdict === "FAILS")) process.exitCode = 1;
}

/** @typedef {import("./section.js").Answer} Answer */

/** @param {import("./section.js").Order} order @returns {Promise<Answer>} */
async function ask(order) {
  // A young generation that is large enough for all that a section allocates between two collections: see cases/allocation.js.
  const roomy = order.name === "allocation" ? ["--min-semi-space-size=512", "--max-semi-space-size=512"] : [];
  const execArgv = [...process.execArgv, ...roomy];
  const child = fork(new URL("./section.js", import.meta.url), { execArgv });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`section ${order.name} ended with code ${code} and no answer`);
  });
  child.send(order);
  const [answer] = await Promise.race([once(child, "message"), failed]);
  failed.catch(() => {});
  return answer;
}
