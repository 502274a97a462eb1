/** The protocol between threads, checked in every interleaving; and proof that the check can fail. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const TIMEOUT_MS = 300_000;
const isInstalled = spawnSync("spin", ["-V"]).status === 0;

/** Checks a model, with some of its lines broken; returns what the checker prints. */
function check(model: string, broken: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), "limitset-model-"));
  try {
    const run = (command: string, ...args: string[]) =>
      execFileSync(command, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const file = fileURLToPath(new URL(`${model}.pml`, import.meta.url));
    run("spin", ...broken.map((name) => `-D${name}`), "-a", file);
    run("cc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c");
    return spawnSync(join(folder, "pan"), ["-m2000000"], { encoding: "utf8", maxBuffer: 2 ** 26 }).stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const MUTANTS = {
  commit: ["NO_VERSION", "NO_RECHECK", "ONE_BLOCK", "BLIND_STORE"],
  wake: ["WAKE_AFTER_FLAG", "NO_SECOND_TRY", "FLAG_LATE", "RECLAIM_BY_FLAG"],
} as const;

describe.each(["commit", "wake"] as const)("the model of %s", (model) => {
  test("holds in every interleaving", { timeout: TIMEOUT_MS }, ({ skip }) => {
    if (!isInstalled) skip("spin is not installed: apt install spin");
    const output = check(model);
    expect(output).toContain("errors: 0");
    expect(output).not.toMatch(/not completed|too small|out of memory|max search depth/);
    expect(Number(/(\d+) states, stored/.exec(output)?.[1])).toBeGreaterThan(100_000);
  });

  test.for(MUTANTS[model])("does not hold with %s", { timeout: TIMEOUT_MS }, (mutant, { skip }) => {
    if (!isInstalled) skip("spin is not installed: apt install spin");
    expect(check(model, [mutant])).toMatch(/errors: [1-9]/);
  });
});
