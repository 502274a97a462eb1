/** `limitFetch` with the `fetch` of every runtime. */
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished } from "vitest";
import { testIn } from "../installed.ts";
import { startVendor, type Vendor } from "../vendors/server.ts";
import { BROWSERS, runWith, visit } from "./runtimes.ts";
import { serve } from "./server.ts";
import { startWorkerd } from "./workerd.ts";

async function vendorHere(): Promise<Vendor> {
  const vendor = await startVendor({
    calls: { capacity: 20, windowMs: 1000 },
    tokens: { capacity: 20_000, windowMs: 1000 },
    // One more than the set: the server sees the end of a connection a moment later.
    connections: 5,
  });
  onTestFinished(() => vendor.close());
  vendor.script({ status: 429, headers: { "retry-after-ms": "300" } });
  return vendor;
}

function expectGood(seen: Record<string, unknown>, vendor: Vendor, type: string): void {
  expect(seen).toEqual({
    answer: {
      ...{ status: 200, ok: true, redirected: false, type, sameUrl: true },
      usage: { prompt_tokens: expect.any(Number), completion_tokens: 20, total_tokens: expect.any(Number) },
    },
    cancelled: { read: true, held: 1 },
    aborted: "AbortError",
    after: { held: 0, waiting: 0, isCharged: true },
  });
  expect(vendor.statuses).toEqual({ 429: 1, 200: 40 });
  expect(vendor.arrivals[1]! - vendor.refusals[0]!).toBeGreaterThanOrEqual(299);
}

describe.each([
  ["node", "basic"],
  ["node-22", "basic"],
  ["node-24", "basic"],
  ["deno", "basic"],
  ["bun", "default"],
])("%s", (command, type) => {
  testIn(command)(
    "keeps to a set, obeys a refusal, and gives back what it held",
    { timeout: 60_000 },
    async () => {
      const vendor = await vendorHere();
      expectGood(await runWith(command, "main-fetching.js", vendor.url), vendor, type);
    },
  );
});

describe("workerd", () => {
  testIn("workerd")(
    "keeps to a set, obeys a refusal, and gives back what it held",
    { timeout: 60_000 },
    async () => {
      const vendor = await vendorHere();
      const entry = fileURLToPath(new URL("worker-fetching.js", import.meta.url));
      const workerd = await startWorkerd(entry);
      onTestFinished(() => workerd.kill());
      const response = await fetch(`${workerd.url}/?url=${encodeURIComponent(vendor.url)}`);
      expectGood((await response.json()) as Record<string, unknown>, vendor, "default");
    },
  );
});

describe.each(BROWSERS)("$name", ({ commands, launch }) => {
  testIn(...commands)(
    "keeps to a set, obeys a refusal, and gives back what it held",
    { timeout: 60_000 },
    async () => {
      const vendor = await vendorHere();
      const site = await serve(false);
      onTestFinished(() => site.close());
      const page = `${site.url}/test/runtimes/fetching.html?url=${encodeURIComponent(vendor.url)}`;
      expectGood((await visit(launch, page)).seen, vendor, "cors");
    },
  );
});
