import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bindingShare, figure, runDemo } from "./run-demo.ts";

const HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "limitset-demo-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function trace(name: string, ...lines: string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

/** Expects 90 % of the binding limit to be used. The demo itself asks for 95 %, but a run this short is coarse. */
function expectShare(stdout: string, code: number) {
  const share = bindingShare(stdout);
  expect(share).toBeGreaterThanOrEqual(90);
  expect(stdout).toContain(share >= 95 ? "\npassed: " : "\nFAILED ");
  expect(code).toBe(share >= 95 ? 0 : 1);
}

describe("with a LimitSet", () => {
  test("generated traffic meets no 429 and uses what the limits permit", async () => {
    const { code, stdout, stderr } = await runDemo("--seconds", "4", "--requests", "600");
    expect(stdout).toContain("through one LimitSet");
    expect(figure(stdout, "requests")).toBe(600);
    expect(figure(stdout, "429s")).toBe(0);
    expectShare(stdout, code);
    expect(stdout).toMatch(/^waits +p50 [\d.]+ m?s, p99 [\d.]+ m?s$/m);
    expect(stderr).toMatch(/\d+\/600 answered {2}\d+ in progress {2}\d+ waiting {2}0 x 429/);
  });

  test.each(["threads", "processes"])("four %s that share the LimitSet meet no 429", async (kind) => {
    const { code, stdout } = await runDemo(`--${kind}`, "4", "--seconds", "4", "--requests", "600");
    expect(stdout).toContain(`through one LimitSet from 4 ${kind}`);
    expect(figure(stdout, "requests")).toBe(600);
    expect(figure(stdout, "429s")).toBe(0);
    expectShare(stdout, code);
  });

  test.each([
    ["the main thread", []],
    ["four threads", ["--threads", "4"]],
    ["four processes", ["--processes", "4"]],
  ])("limits that the API halves and gives back reach the set of %s", async (_, clients) => {
    const { code, stdout } = await runDemo("--change", ...clients, "--seconds", "6", "--requests", "900");
    expect(stdout).toContain("limits that are halved for a third of the run");
    const share = bindingShare(stdout);
    expect(share).toBeGreaterThanOrEqual(90);
    // Only requests that were sent before the client could hear of the change may meet a 429.
    expect(stdout).toContain(
      `${share >= 95 ? "\npassed: " : "\nFAILED (wanted: no 429s, 95 % or more): "}0 answers of 429`,
    );
    expect(code).toBe(share >= 95 ? 0 : 1);
  });

  test("a short trace is repeated, and its counts are charged", async () => {
    const lines = Array.from({ length: 50 }, (_, i) => {
      const second = String(i).padStart(2, "0");
      return `2023-11-16 18:15:${second}.6805900,${100 + i},${40 + i}`;
    });
    const { code, stdout } = await runDemo(
      "--trace",
      await trace("short.csv", HEADER, ...lines),
      "--seconds",
      "3",
    );
    expect(stdout).toContain("200 requests from the 50 of short.csv");
    expect(figure(stdout, "429s")).toBe(0);
    expect(figure(stdout, "tokens")).toBe(4 * (50 * 100 + 1225));
    expectShare(stdout, code);
  });
});

test("without limits, the API refuses threads too", async () => {
  const { code, stdout } = await runDemo(
    "--threads",
    "2",
    "--no-limits",
    "--seconds",
    "3",
    "--requests",
    "450",
  );
  expect(stdout).toContain("without limits from 2 threads");
  expect(figure(stdout, "429s")).toBeGreaterThan(20);
  expect(code).toBe(0);
});

test("without limits, the API refuses and names the limit", async () => {
  const { code, stdout } = await runDemo("--no-limits", "--seconds", "4", "--requests", "600");
  expect(stdout).toContain("without limits");
  expect(figure(stdout, "requests")).toBe(600);
  expect(figure(stdout, "429s")).toBeGreaterThan(30);
  expect(stdout).toMatch(/^429s .*(call_count|input_tokens|output_tokens|connections) \d+/m);
  expect(code).toBe(0);
});

describe("options and errors", () => {
  test("--help explains the options", async () => {
    const { code, stdout } = await runDemo("--help");
    for (const option of [
      "--trace",
      "--seconds",
      "--requests",
      "--seed",
      "--threads",
      "--processes",
      "--change",
      "--no-limits",
      "--help",
    ]) {
      expect(stdout).toContain(option);
    }
    expect(code).toBe(0);
  });

  test.each([
    [["--fast"], "--fast"],
    [["extra"], "extra"],
    [["--trace"], "--trace"],
    [["--seconds", "soon"], '--seconds must be a number from 1 to 3600, got "soon"'],
    [["--seconds", "0"], '--seconds must be a number from 1 to 3600, got "0"'],
    [["--threads", "33"], '--threads must be a whole number from 1 to 32, got "33"'],
    [["--processes", "0"], '--processes must be a whole number from 1 to 32, got "0"'],
    [["--threads", "2", "--processes", "2"], "--threads or --processes, not both"],
    [["--requests", "1.5"], '--requests must be a whole number from 1 to 1000000, got "1.5"'],
  ])("%j exits with 2", async (args, message) => {
    const { code, stdout, stderr } = await runDemo(...args);
    expect(stderr).toContain(message);
    expect(stderr).toContain("Try --help.");
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("a trace that does not exist exits with 1", async () => {
    const { code, stderr } = await runDemo("--trace", join(folder, "none.csv"));
    expect(stderr).toContain("demo: cannot read the trace: ENOENT");
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(1);
  });

  test("a malformed trace exits with 1 and names the line", async () => {
    const path = await trace(
      "bad.csv",
      HEADER,
      "2023-11-16 18:15:46.68,374,44",
      "2023-11-16 18:15:47,many,44",
    );
    const { code, stderr } = await runDemo("--trace", path);
    expect(stderr).toBe(
      `demo: ${path}:3: ContextTokens must be a whole number from 0 to 1000000, got "many"\n`,
    );
    expect(code).toBe(1);
  });
});
