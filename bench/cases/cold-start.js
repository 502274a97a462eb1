import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAM = fileURLToPath(new URL("./cold-start-program.js", import.meta.url));
const OURS = "limitset";
const THEIRS = "limiter";
const FLOOR = "nothing";
const [FEW, ROUNDS] = [7, 41];

/** @returns {import("../survey.js").Survey} */
export function coldStart() {
  /** @type {Promise<Map<string, number[][]>> | undefined} */
  let runs;
  /** @param {string} name @param {string} program @returns {import("../survey.js").Subject} */
  const subject = (name, program) => ({
    name,
    against: `${THEIRS}, TokenBucket`,
    figures: async (quick) => {
      runs ??= runAll(quick ? FEW : ROUNDS);
      const times = (await runs).get(program) ?? [];
      return {
        "import, ms": median(times.map(([imported = 0]) => imported)),
        "first decision, ms": median(times.map(([, decided = 0]) => decided)),
        "both, ms": median(times.map(([imported = 0, decided = 0]) => imported + decided)),
      };
    },
  });
  return {
    title: "Cold start",
    work: "from the import to the first decision, in a fresh process each time; the median of each",
    columns: ["import, ms", "first decision, ms", "both, ms"],
    ratio: { column: "x limiter, both", of: "both, ms" },
    subjects: [
      subject("limitset, a set of 1 rate", OURS),
      subject(`${THEIRS}, TokenBucket`, THEIRS),
      subject("floor: an empty module", FLOOR),
    ],
  };
}

/** Starts a process of each program in turn, so that a slow spell of the machine affects all alike. @param {number} rounds */
async function runAll(rounds) {
  /** @type {Map<string, number[][]>} */
  const times = new Map([OURS, THEIRS, FLOOR].map((program) => [program, []]));
  // The first round fills the system's caches.
  for (let round = 0; round <= rounds; round++) {
    for (const [program, list] of times) {
      const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, program]);
      if (round > 0) list.push(JSON.parse(stdout));
    }
  }
  return times;
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
