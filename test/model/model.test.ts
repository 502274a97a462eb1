/** Checks the protocol between threads in every interleaving, and shows that the check can fail. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { testIn } from "../installed.ts";

const TIMEOUT_MS = 300_000;
const testHere = testIn("spin");

/** Checks a model with some names defined, and returns the output of the checker. */
function check(model: string, defined: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), "limitset-model-"));
  try {
    const run = (command: string, ...args: string[]) =>
      execFileSync(command, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    run("spin", ...defined.map((name) => `-D${name}`), "-a", pathOf(model));
    run("cc", defined.length > 0 ? "-O1" : "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c");
    const args = ["-m2000000"];
    return spawnSync(join(folder, "pan"), args, { cwd: folder, encoding: "utf8", maxBuffer: 2 ** 26 }).stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const pathOf = (model: string) => fileURLToPath(new URL(`${model}.pml`, import.meta.url));

/** The mutants that the model lists at its head, each with the bound that it needs, if any. */
function mutantsOf(model: string): string[][] {
  const [, list = ""] = readFileSync(pathOf(model), "utf8").split("Mutants, each of which spin must reject:");
  const lines = list.slice(0, list.indexOf("*/")).matchAll(/^ \* {3}(\w+) .*?(?:\((\w+=\d+):.*)?$/gm);
  return [...lines].map(([, name = "", bound]) => (bound ? [name, bound] : [name]));
}

describe.each([
  { model: "commit", mutants: 11, states: 10_000_000 },
  { model: "wake", mutants: 12, states: 100_000 },
])("the model of $model", ({ model, mutants, states }) => {
  testHere("holds in every interleaving", { timeout: TIMEOUT_MS }, () => {
    const output = check(model);
    expect(output).toContain("errors: 0");
    expect(output).not.toMatch(/not completed|too small|out of memory|max search depth/);
    expect(Number(/(\d+) states, stored/.exec(output)?.[1])).toBeGreaterThan(states);
  });

  testHere("lists its mutants", () => {
    expect(mutantsOf(model)).toHaveLength(mutants);
  });

  testHere.for(mutantsOf(model))("does not hold with %s", { timeout: TIMEOUT_MS }, (mutant) => {
    expect(check(model, mutant)).toMatch(/errors: [1-9]/);
  });
});
