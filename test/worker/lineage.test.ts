/** Pools that are made where the threads and processes of the same pool run too. Each is a program of its own. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ELSEWHERE } from "./pools.ts";

/** Runs a program of `lineage.js`. Returns what it printed, and how often its module was loaded. */
async function run(program: string, mode: string): Promise<{ said: string[]; loaded: number }> {
  const file = fileURLToPath(new URL("./lineage.js", import.meta.url));
  const env = { ...process.env, PROGRAM: program, MODE: mode };
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env, timeout: 50_000 });
  const lines = stdout.trim().split("\n");
  const said = lines.filter((line) => line !== "loaded");
  return { said, loaded: lines.length - said.length };
}

const ENDLESS =
  /^InvalidWorkerError ERR_INVALID_WORKER a thread or process of Echo makes a pool of Echo outside of calls/;

test.each(ELSEWHERE)(
  "mode %s: a pool at the top level of the class's module starts no more of itself",
  async (mode) => {
    const { said, loaded } = await run("top level", mode);
    expect(said).toEqual([expect.stringMatching(ENDLESS)]);
    expect(loaded).toBeLessThanOrEqual(1 + 4);
  },
);

test.each(ELSEWHERE)("mode %s: nor does a pool that the module makes a little later", async (mode) => {
  const { said, loaded } = await run("a little later", mode);
  expect(said[0]).toMatch(/^(echoed|WorkerCrashedError)/);
  // Four of the pool; those that were called are replaced once.
  expect(loaded).toBeLessThanOrEqual(1 + 4 + 4);
});

test.each(ELSEWHERE)("mode %s: nor does a pool that the class's constructor makes", async (mode) => {
  const { said, loaded } = await run("a constructor", mode);
  expect(said).toEqual(["hi"]);
  expect(loaded).toBeLessThanOrEqual(1 + 2);
});

test.each(ELSEWHERE)("mode %s: a call may make a pool of its own class", async (mode) => {
  expect((await run("a call", mode)).said).toEqual(["2"]);
});

test.each(ELSEWHERE)(
  "mode %s: a constructor may make a pool of another class of its module",
  async (mode) => {
    expect((await run("a helper", mode)).said).toEqual(["helped"]);
  },
);
