/** Workers of pages that cannot be loaded, throw while they are loaded, or are forbidden: a connection to them never hangs. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { find, testIn } from "../installed.ts";
import { BROWSERS, type Browser, type Page } from "./runtimes.ts";
import { type Site, serve } from "./server.ts";

const KINDS = ["Worker", "SharedWorker"] as const;

describe.each(BROWSERS)("$name", ({ commands, launch }) => {
  const test = testIn(...commands);
  let sites: Site[];
  let browser: Browser;
  let page: Page;
  let strict: Page;

  beforeAll(async () => {
    if (commands.some((command) => find(command) === undefined)) return;
    sites = [await serve(false), await serve(false, { policy: "worker-src 'none'" })];
    browser = await launch();
    page = await browser.open(`${sites[0]!.url}/test/runtimes/unanswered.html`);
    strict = await browser.open(`${sites[1]!.url}/test/runtimes/unanswered.html`);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    for (const site of sites ?? []) site.close();
  });

  // Far longer than the errors take: a connection that only ends by its deadline fails the test.
  const attempt = (where: Page, kind: string, file: string, deadlineMs = 50_000) =>
    where.evaluate(`attempt("${kind}", "${file}", { deadlineMs: ${deadlineMs} })`);
  const lost = (message: string) => ({ alike: true, message: expect.stringContaining(message) });

  describe.each(KINDS)("a connection to a %s", (kind) => {
    test.each([
      ["whose script is not there", "not-there.js"],
      ["whose script is none", "unanswered.html"],
    ])("%s ends at once", { timeout: 40_000 }, async (_, file) => {
      expect(await attempt(page, kind, file)).toEqual(lost("its worker could not be loaded"));
    });

    test("that throws while it is loaded ends, and names the error", { timeout: 40_000 }, async () => {
      expect(await attempt(page, kind, "throwing-worker.js")).toEqual(lost("no set today"));
    });

    test("that a policy forbids ends at once, and names the policy", { timeout: 40_000 }, async () => {
      const ending = await attempt(strict, kind, "idle-worker.js");
      // Some browsers let the page not even make the worker.
      expect([lost("Content-Security-Policy"), { thrown: "SecurityError" }]).toContainEqual(ending);
    });

    test("that serves nothing ends after deadlineMs", { timeout: 40_000 }, async () => {
      const ending = await attempt(page, kind, "idle-worker.js", 300);
      expect(ending).toEqual(lost("the host has not answered within 300 ms"));
    });
  });
});
