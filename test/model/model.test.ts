/**
 * The protocols between threads, checked in every interleaving; and proof that each check can fail. CI has the short forms;
 * `npm run prove` has the long ones, which need some gigabytes and the better part of an hour.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect } from "vitest";
import { testIn } from "../installed.ts";

const environment: { LIMITSET_PROVE?: string } = process.env;
const IS_LONG = environment.LIMITSET_PROVE === "all";
const TIMEOUT_MS = IS_LONG ? 3_600_000 : 300_000;
const testHere = testIn("spin");

interface Model {
  readonly model: string;
  readonly mutants: number;
  /** How many of them are tried in CI, if not all are. */
  readonly tried?: number;
  /** That of the compiler for the check in CI. To compile a long model with "-O2", the default, takes longer than to check it. */
  readonly optimization?: string;
  /** Names that are defined for the check in CI, and fewer states than it must visit. */
  readonly short: readonly string[];
  readonly states: number;
  /** The same, for further checks in CI. */
  readonly also?: readonly string[][];
  /** The names that are defined for each of the long checks. */
  readonly long: readonly string[][];
}

const MODELS: readonly Model[] = [
  {
    model: "commit",
    mutants: 23,
    tried: 12,
    short: [],
    states: 4_000_000,
    long: [["LEAVES"], ["SPLIT", "NO_LOOKS"], ["SUSPECTS=2"], ["NUMBERS=3", "NO_LOOKS", "SUSPECTS=0"]],
  },
  { model: "wake", mutants: 13, short: [], states: 1_000_000, long: [["SLOTS=2"], ["DEATHS=2"]] },
  {
    model: "handles",
    mutants: 14,
    short: ["SUSPECTS=0"],
    states: 800_000,
    long: [[], ["EXTRA=1", "SUSPECTS=0"]],
  },
  {
    model: "redefine",
    mutants: 16,
    tried: 8,
    short: [],
    states: 5_000_000,
    // Some 28 and 25 million states, a minute and 1.4 GB each.
    long: [["TAKES=2"], ["CHANGES=4"]],
  },
  {
    model: "partition",
    mutants: 23,
    tried: 10,
    short: [],
    states: 2_000_000,
    also: [["PINS=1", "NO_CALLS", "APART"]],
    // With pins some 60 million states.
    long: [["TORN"], ["TWO=1"], ["LOOKS"], ["TRIES0=2", "NO_CALLS"], ["PINS=1"]],
  },
  {
    model: "crossing",
    mutants: 24,
    tried: 6,
    optimization: "-O0",
    short: [],
    states: 900_000,
    also: [["PINS=1", "APART", "ONLY_PINS"]],
    // One to six million states each.
    long: [
      ["KEYS=2", "DEATHS=0"],
      ["CLAIMS=1"],
      ["TIERS=1"],
      ["STALE=1", "DEATHS=0"],
      ["REDEFS=2", "DEATHS=0"],
      ["PINS=1", "APART"],
      // Some 18 million states.
      ["PINS=1", "DEATHS=0"],
    ],
  },
  { model: "weak", mutants: 8, short: [], states: 300_000, long: [["TRIES=3"]] },
];

/** Checks a model, with some names defined; returns what the checker prints. */
async function check(model: string, defined: readonly string[], optimization: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "limitset-model-"));
  try {
    const run = async (command: string, ...args: string[]) =>
      (await promisify(execFile)(command, args, { cwd: folder, maxBuffer: 2 ** 26 })).stdout;
    await run("spin", ...defined.map((name) => `-D${name}`), "-a", pathOf(model));
    await run("cc", optimization, "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c");
    return await run(join(folder, "pan"), "-m2000000");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Checks that a model holds; returns the number of its states. */
async function hold(model: string, defined: readonly string[], optimization = "-O2"): Promise<number> {
  const output = await check(model, defined, optimization);
  expect(output).toContain("errors: 0");
  expect(output).not.toMatch(/not completed|too small|out of memory|max search depth/);
  return Number(/(\d+) states, stored/.exec(output)?.[1]);
}

const pathOf = (model: string) => fileURLToPath(new URL(`${model}.pml`, import.meta.url));

/** The mutants that the model lists at its head, each with the bounds that it needs, if any. */
function mutantsOf(model: string): string[][] {
  const [, list = ""] = readFileSync(pathOf(model), "utf8").split("Mutants, each of which spin must reject:");
  const lines = list.slice(0, list.indexOf("*/")).matchAll(/^ \* {3}(\w+) .*?(?:\(([\w= ]+):.*)?$/gm);
  return [...lines].map(([, name = "", bound]) => (bound ? [name, ...bound.split(" ")] : [name]));
}

// Two checks at a time: each is a program of its own, on one core.
describe.concurrent.each(MODELS)(
  "the model of $model",
  ({ model, mutants, tried, optimization, short, states, also = [], long }) => {
    testHere("holds in every interleaving", { timeout: TIMEOUT_MS }, async () => {
      expect(await hold(model, short, optimization)).toBeGreaterThan(states);
    });

    testHere.for(also)("holds with %s in every interleaving", { timeout: TIMEOUT_MS }, async (defined) => {
      expect(await hold(model, defined, "-O0")).toBeGreaterThan(100_000);
    });

    testHere("lists its mutants", () => {
      expect(mutantsOf(model)).toHaveLength(mutants);
    });

    // A mutant is found within seconds: to compile it with optimization would take longer.
    testHere.for(mutantsOf(model).slice(0, IS_LONG ? mutants : tried))(
      "does not hold with %s",
      { timeout: TIMEOUT_MS },
      async (mutant) => {
        expect(await check(model, mutant, "-O0")).toMatch(/errors: [1-9]/);
      },
    );

    testHere.runIf(IS_LONG).for(long)("holds with %s", { timeout: TIMEOUT_MS }, async (defined) => {
      expect(await hold(model, defined)).toBeGreaterThan(states);
    });
  },
);

/** What only weak memory exposes: with all accesses in order, the mutants of weak.pml hold that reorder them. */
describe.concurrent("the model of weak, in order", () => {
  const reordered = mutantsOf("weak").slice(0, -2);
  testHere.runIf(IS_LONG).for(reordered)("holds with %s", { timeout: TIMEOUT_MS }, async (mutant) => {
    expect(await hold("weak", [...mutant, "IN_ORDER"])).toBeGreaterThan(300_000);
  });
});
