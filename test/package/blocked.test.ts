/** Where the core cannot run in Node: the error says why, and what to do. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { appFolder, workFolder } from "./app.ts";

const PROGRAM = `
import { LimitError, LimitSet } from "limitset";
try {
  console.log(JSON.stringify({ successful: new LimitSet().tryAcquire().successful }));
} catch (error) {
  const { name, code, message, cause } = error;
  console.log(JSON.stringify({ typed: error instanceof LimitError, name, code, message, cause: cause && String(cause) }));
}`;

let program: string;
beforeAll(async () => {
  program = join(await workFolder(await appFolder()), "blocked.js");
  await writeFile(program, PROGRAM);
});

async function run(before: string, ...flags: string[]): Promise<unknown> {
  const command = `${before} exec "$0" "$@"`;
  const { stdout } = await promisify(execFile)("sh", ["-c", command, process.execPath, ...flags, program]);
  return JSON.parse(stdout);
}

const BLOCKED = { typed: true, name: "CoreBlockedError", code: "ERR_CORE_BLOCKED" };

test("a runtime without WebAssembly: the message names --jitless", async () => {
  expect(await run("", "--jitless")).toEqual({ ...BLOCKED, message: expect.stringContaining("--jitless") });
});

// Node itself needs a gigabyte, and WebAssembly reserves ten for each memory.
const FOUR_GIGABYTES = "ulimit -v 4000000;";

test.runIf(process.platform === "linux")("no address space: the message names the limit", async () => {
  expect(await run(FOUR_GIGABYTES)).toEqual({
    ...BLOCKED,
    message: expect.stringMatching(/ulimit -v.*--disable-wasm-trap-handler/),
    cause: expect.stringContaining("RangeError"),
  });
});

test.runIf(process.platform === "linux")("the flag that the message names helps", async () => {
  expect(await run("ulimit -v 8000000;", "--disable-wasm-trap-handler")).toEqual({ successful: true });
});
