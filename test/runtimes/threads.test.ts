/** Threads of other runtimes: the same program, on workers of Deno, Bun and browsers. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished } from "vitest";
import { testIn } from "../installed.ts";
import { BROWSERS, runWith, start, visit } from "./runtimes.ts";
import { serve } from "./server.ts";

/** The report of the program where threads share memory. */
const SHARED = {
  attached: { keys: ["db", "tokens", "call_count"], config: { model: "small" } },
  taken: expect.objectContaining({ used: 2, available: 0 }),
  wokenHere: { db: 1, call_count: 1 },
  wokenThere: { db: 2, call_count: 1 },
  blockedThere: { db: 1, call_count: 1 },
  tooMany: "ERR_TOO_MANY_THREADS",
  rush: 20_000,
  returned: { db: 2, call_count: 1 },
  left: expect.objectContaining({ used: 2, waiting: 0 }),
};

/** The same on a page's main thread, which must not block. */
const ON_A_PAGE = { ...SHARED, blockedHere: "ERR_CANNOT_BLOCK" };

/** The report where threads do not share memory. */
const ALONE = {
  taken: { db: 1, tokens: 10, call_count: 1 },
  used: 10,
  share: "ERR_CANNOT_SHARE",
  message: expect.stringContaining("limitset/port"),
};

describe.each([
  ["deno", "Deno"],
  ["bun", "Bun"],
])("%s", (command, name) => {
  const testHere = testIn(command);

  testHere(
    "threads share a set, wait for each other, and a terminated one gives back what it held",
    async () => {
      const seen = await runWith(command, "main.js");
      expect(seen).toEqual({
        ...SHARED,
        runtime: expect.stringMatching(`^${name} \\d`),
        blockedHere: { db: 1, call_count: 1 },
      });
    },
  );

  testHere("a program without waiters ends", async () => {
    const child = start(command, "lifetime.js");
    onTestFinished(() => void child.kill("SIGKILL"));
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  testHere("a program with a waiter does not end", async () => {
    const child = start(command, "lifetime.js", "waiting");
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout!, "data");
    await sleep(1_500);
    expect(child.exitCode).toBe(null);
  });
});

describe.each(BROWSERS)("$name", (kind) => {
  const testHere = testIn(...kind.commands);

  testHere(
    "workers of an isolated page share a set with it, and a terminated one gives back what it held",
    async () => {
      const site = await serve(true);
      onTestFinished(site.close);
      const { version, seen } = await visit(kind.launchSharing, `${site.url}/test/runtimes/page.html`);
      expect(version).toMatch(kind.version);
      expect(seen).toEqual(ON_A_PAGE);
    },
  );

  testHere("a worker gives back what it held, however soon it is terminated", async () => {
    const site = await serve(true);
    onTestFinished(site.close);
    const { seen } = await visit(kind.launchSharing, `${site.url}/test/runtimes/sudden.html`);
    expect(seen).toEqual(Array(8).fill([true, true]));
  });

  testHere(
    "a page that is not isolated cannot share a set, and the error names the alternative",
    async () => {
      const site = await serve(false);
      onTestFinished(site.close);
      const { version, seen } = await visit(kind.launch, `${site.url}/test/runtimes/page.html`);
      expect(version).toMatch(kind.version);
      expect(seen).toEqual(ALONE);
    },
  );
});
