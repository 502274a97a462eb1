import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { MODES } from "./pools.ts";

const program = fileURLToPath(new URL("../../examples/workers/pool.js", import.meta.url));

test.each(MODES)(
  "the example, mode %s: finishes, is never refused and holds nothing in the end",
  async (mode) => {
    const args = [program, "--mode", mode, "--texts", "60", "--loss", "20"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toMatch(new RegExp(`^mode "${mode}": 60 texts`));
    expect(stdout).toMatch(/^429s 0; connections at most \d+, still held 0$/m);
    const places = stdout.match(/^ {2}\d+ in process \d+, thread \d+$/gm);
    expect(places).toHaveLength(mode === "thread" || mode === "process" ? 4 : 1);
  },
);
