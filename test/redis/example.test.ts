import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { describeRedis } from "./server.ts";

const program = fileURLToPath(new URL("../../examples/redis/fleet.js", import.meta.url));

describeRedis("the example", () => {
  test("the example lets several processes spend one budget", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      program,
      "--machines",
      "3",
      "--seconds",
      "1",
    ]);
    expect(stdout.match(/^process \d+: \d+ calls, \d+ tokens$/gm)).toHaveLength(3);
    expect(stdout).toMatch(/^connections still held 0$/m);
  });

  test("the example gets back the connections of a process that is killed", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, "--seconds", "1", "--kill"]);
    expect(stdout).toMatch(/^process \d+ \(SIGKILL\): /m);
    expect(stdout).toMatch(/^all connections are back/m);
  });
});
