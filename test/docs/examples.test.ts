/** Every example of the pages compiles, and every one that says so runs, on the oldest Node that is promised. */
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { find, testIn } from "../installed.ts";
import { blocksOf } from "./blocks.ts";
import { compile, type Source } from "./compile.ts";
import { examples } from "./docstrings.ts";
import { pages, REFERENCE, read } from "./pages.ts";
import { programFolder, runExample } from "./run.ts";

const blocks = pages()
  .filter((page) => !page.startsWith(REFERENCE))
  .flatMap((page) => blocksOf(page, read(page)));
const compiled = blocks.filter(({ purpose }) => purpose === "compile" || purpose === "run");
const ofDocstrings = examples();

let errors: Map<Source, string[]>;

beforeAll(() => {
  errors = compile([...compiled, ...ofDocstrings]);
}, 120_000);

describe("examples of the pages compile", () => {
  for (const block of compiled) {
    test(`${block.title} compiles`, () => expect(errors.get(block)).toEqual([]));
  }
  for (const { title, reason } of blocks.filter(({ purpose }) => purpose === "ignore")) {
    test.skip(`${title} is not compiled: ${reason}`, () => {});
  }
  for (const { title, reason, page, line } of blocks.filter(({ purpose }) => purpose === "unknown")) {
    test(`${title} has a fence that the tests know`, () => expect.fail(`${page}:${line - 1}: ${reason}`));
  }
});

describe("examples of the docstrings compile", () => {
  for (const example of ofDocstrings) {
    test(`${example.title} compiles`, () => expect(errors.get(example)).toEqual([]));
  }
});

const oldest = manifest.engines.node.replace(/^>=/, "");
const testHere = testIn(`node-${oldest}`);

describe(`examples run in Node ${oldest}`, () => {
  const node = find(`node-${oldest}`)!;
  let folder: string;

  beforeAll(async () => {
    folder = await programFolder();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  testHere("the Node that runs them is the oldest that package.json promises", async () => {
    const { stdout } = await promisify(execFile)(node, ["--version"]);
    expect(stdout).toBe(`v${oldest}.0\n`);
  });

  // A docstring's example runs if it takes nothing for granted.
  const runnable = [
    ...blocks.filter(({ purpose }) => purpose === "run"),
    ...ofDocstrings.filter(({ isComplete }) => isComplete),
  ];
  for (const [i, example] of runnable.entries()) {
    testHere(`${example.title} runs`, () => runExample(node, folder, `example-${i}.js`, example));
  }
});
