/** Idle workers do not keep a program alive, and no worker outlives it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { ELSEWHERE } from "./pools.ts";

async function start(...args: string[]) {
  const program = fileURLToPath(new URL("./lifetime.js", import.meta.url));
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit");
  // Workers have it open too, so it closes when the last process has ended.
  const allEnded = once(child.stdout, "close");
  await once(child.stdout, "data");
  return { child, ended, allEnded };
}

test.each(ELSEWHERE)(
  "mode %s: a program that has nothing else to do ends without stop(), and its worker too",
  async (mode) => {
    const { ended, allEnded } = await start(mode);
    expect(await ended).toEqual([0, null]);
    await allEnded;
  },
);

test.each(ELSEWHERE)("mode %s: a program lives on while a call is under way", async (mode) => {
  const { child } = await start(mode, "calling");
  await sleep(500);
  expect(child.exitCode).toBe(null);
});

test("a process ends when the program is killed", async () => {
  const { child, allEnded } = await start("process", "calling");
  child.kill("SIGKILL");
  await allEnded;
});
