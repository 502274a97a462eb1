/** Ports of other runtimes: workers of Deno and Bun, tabs of a browser. */
import { describe, expect, onTestFinished } from "vitest";
import { testIn } from "../installed.ts";
import { BROWSERS, runWith } from "./runtimes.ts";
import { serve } from "./server.ts";

const TAKEN = { taken: { db: 2 }, used: 2, waiting: 0, atOnce: true };

describe.each([
  ["deno", "Deno"],
  ["bun", "Bun"],
])("%s", (command, name) => {
  testIn(command)(
    "a worker that is terminated gives back what it held, and one that is not there never hangs a connection",
    { timeout: 60_000 },
    async () => {
      expect(await runWith(command, "ports.js")).toEqual({
        runtime: expect.stringMatching(`^${name} \\d`),
        port: TAKEN,
        worker: TAKEN,
        missing: expect.stringContaining("its worker failed"),
      });
    },
  );
});

describe.each(BROWSERS)("$name", ({ commands, version, launch }) => {
  testIn(...commands)(
    "two tabs share a set, and one is closed while it holds and waits",
    { timeout: 60_000 },
    async () => {
      const site = await serve(false);
      const browser = await launch();
      onTestFinished(async () => {
        await browser.close();
        site.close();
      });
      expect(browser.version).toMatch(version);
      const [first, second] = [
        await browser.open(`${site.url}/test/runtimes/tab.html`),
        await browser.open(`${site.url}/test/runtimes/tab.html`),
      ];
      expect(await first.evaluate("seen")).toEqual({ keys: ["db"] });
      expect(await second.evaluate("seen")).toEqual({ keys: ["db"] });
      expect(await first.evaluate("take({ db: 2 })")).toEqual({ db: 2 });
      expect(await second.evaluate("db()")).toMatchObject({ used: 2, waiting: 0 });
      await first.evaluate("void take({ db: 1 }), db()");
      const taken = second.evaluate("take({ db: 2 })");
      const waitingOf = async () => ((await second.evaluate("db()")) as { waiting: number }).waiting;
      while ((await waitingOf()) < 2) {}
      await first.close();
      const closedAt = performance.now();
      expect(await taken).toEqual({ db: 2 });
      expect(performance.now() - closedAt).toBeLessThan(20_000); // A lock showed the end: by missing heartbeats it takes longer.
      expect(await second.evaluate("db()")).toMatchObject({ used: 2, waiting: 0 });
      await second.evaluate("release()");
      expect(await second.evaluate("db()")).toMatchObject({ used: 0 });
    },
  );
});
