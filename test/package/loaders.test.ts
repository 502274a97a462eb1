/** The package as each loader of Node finds it: `require` and `import`, in every version that is promised. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect } from "vitest";
import { find, testIn } from "../installed.ts";
import { appFolder, workFolder } from "./app.ts";

const ENTRIES = ["", "/cloudflare", "/port", "/redis", "/testing", "/threads", "/worker"];

/** What each program does with the entries, once it has them. It makes a set, waits, and runs a method on a thread. */
const STEPS = `
  const { LimitSet, ResourceLimit, CallLimit, LimitError } = entries[0];
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
  const held = await limits.acquire();
  const waiter = limits.acquire();
  held.release();
  (await waiter).release();
  const { Doubler } = doubler;
  const pool = Doubler.options({ mode: "thread", limits }).init();
  const doubled = await pool.double(21);
  await pool.stop();
  const error = await limits.acquire({ db: 7 }).catch((error) => error);
  const exports = entries.map((each) => Object.keys(each).filter((name) => name !== "default" && name !== "__esModule" && name !== "module.exports").length);
  console.log(JSON.stringify({ exports, doubled, error: [error instanceof LimitError, error.name] }));
`;
const DOUBLER = `class Doubler extends Worker {
  async double(value) { using_ = await this.limits.acquire({ db: 1 }); return 2 * value; }
}
let using_;`;

const names = ENTRIES.map((entry) => JSON.stringify(`limitset${entry}`));
const PROGRAMS: Readonly<Record<string, string>> = {
  "doubler.cjs": `const { Worker } = require("limitset/worker"); ${DOUBLER}
    Doubler.module = require("node:url").pathToFileURL(__filename);
    module.exports = { Doubler };`,
  "doubler.mjs": `import { Worker } from "limitset/worker"; ${DOUBLER}
    Doubler.module = import.meta.url;
    export { Doubler };`,
  "require.cjs": `const entries = [${names.map((name) => `require(${name})`)}];
    const doubler = require("./doubler.cjs");
    (async () => {${STEPS}})();`,
  "import.mjs": `const entries = await Promise.all([${names.map((name) => `import(${name})`)}]);
    const doubler = await import("./doubler.mjs");
    ${STEPS}`,
};

let app: string;
let folder: string;
beforeAll(async () => {
  app = await appFolder();
  folder = await workFolder(app);
  for (const [name, text] of Object.entries(PROGRAMS)) await writeFile(join(folder, name), text);
});

describe.each(["node", "node-20.19", "node-22", "node-24"])("%s", (command) => {
  const testHere = testIn(command);
  const run = async (name: string) => {
    const { stdout, stderr } = await promisify(execFile)(find(command)!, [join(folder, name)]);
    expect(stderr).toBe("");
    return JSON.parse(stdout);
  };

  testHere.each(["require.cjs", "import.mjs"])(
    "%s loads all entries, takes, waits, and has threads",
    async (name) => {
      const { exports, ...others } = await run(name);
      expect(others).toEqual({ doubled: 42, error: [true, "InvalidRequestError"] });
      expect(exports).toHaveLength(ENTRIES.length);
      expect(Math.min(...exports)).toBeGreaterThan(0);
    },
  );
});
