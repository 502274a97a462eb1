/** Workers on threads and in processes of other runtimes, and in pages. */
import { describe, expect, onTestFinished } from "vitest";
import { testIn } from "../installed.ts";
import { BROWSERS, runWith, visit } from "./runtimes.ts";
import { serve } from "./server.ts";

const HERE = {
  sum: 5,
  kept: [{ db: 2 }, 0],
  stumbled: [3, 0],
  forgot: ["ERR_USAGE_NOT_REPORTED", 0],
  aborted: true,
  tired: [true, 1, "attempt 1", 0],
  stopped: "ERR_WORKER_STOPPED",
};
const ELSEWHERE = { ...HERE, fallen: ["ERR_WORKER_CRASHED", { db: 2 }], replaced: 3 };
const IN_A_PAGE = { sync: HERE, async: HERE, thread: ELSEWHERE, selfish: "ERR_INVALID_WORKER" };

describe.each(["node", "deno", "bun"])("%s", (command) => {
  testIn(command)("workers are the same in every mode", async () => {
    expect(await runWith(command, "main-workers.js")).toEqual({ ...IN_A_PAGE, process: ELSEWHERE });
  });
});

describe.each(BROWSERS)("$name", ({ commands, launch, launchSharing }) => {
  testIn(...commands).each([
    ["an isolated page, with shared memory", true],
    ["a page that is not, over the channel", false],
  ])("workers behave the same in %s", async (_, isolated) => {
    const site = await serve(isolated);
    onTestFinished(site.close);
    const { seen } = await visit(isolated ? launchSharing : launch, `${site.url}/test/runtimes/workers.html`);
    expect(seen).toEqual(IN_A_PAGE);
  });
});
