/** Real clients through `limitFetch`, against a server that limits as vendors do. */
import { describe, expect, onTestFinished, test } from "vitest";
import { type FetchOptions, limitFetch } from "../../src/fetch/index.ts";
import { CallLimit, LimitSet, RateLimit, RateLimitAlgorithm, ResourceLimit } from "../../src/index.ts";
import { CLIENTS, type Client } from "../vendors/clients.ts";
import { startVendor, type Vendor, type VendorLimits } from "../vendors/server.ts";

/** What the server permits. */
const CALLS = { capacity: 40, windowMs: 1000 };
/** The server's bucket may be full, and so not refill, while a request is delayed on the way: a burst leaves it room. */
const BURST = 24;
const REQUESTS = 120;

const SERVED: VendorLimits = {
  calls: CALLS,
  inputTokens: { capacity: 20_000, windowMs: 1000 },
  outputTokens: { capacity: 20_000, windowMs: 1000 },
  tokens: { capacity: 40_000, windowMs: 1000 },
  connections: 12,
};

function limitsFor(): LimitSet<string> {
  const rate = (key: string) => new RateLimit({ key, capacity: 10_000, windowMs: 1000 });
  return new LimitSet<string>({
    limits: [
      new CallLimit({ ...CALLS, algorithm: RateLimitAlgorithm.GCRA, burst: BURST }),
      ...["input_tokens", "output_tokens", "tokens"].map(rate),
      new ResourceLimit({ key: "connections", capacity: 12 }),
    ],
  });
}

async function setUp(client: Client, options: FetchOptions<string> = {}, retries?: number) {
  const vendor = await startVendor(SERVED);
  const limits = limitsFor();
  const { provider, beneath } = client;
  const cost = ["rate-limit-headers", "github"].includes(provider.name) ? () => ({ tokens: 0 }) : undefined;
  const fetch = limitFetch(limits, { provider, cost, fetch: beneath, ...options });
  onTestFinished(async () => {
    limits.close();
    await vendor.close();
  });
  return { vendor, limits, call: client.connect(vendor.url, fetch, retries) };
}

/** Everything that was held is back, once the server has seen the ends too. */
function expectNothingHeld(limits: LimitSet<string>, vendor: Vendor): Promise<void> {
  return expect
    .poll(() => [limits.stats()["connections"]!.used, limits.waiting, vendor.open], { timeout: 5000 })
    .toEqual([0, 0, 0])
    .then(() => {});
}

describe("as fast as the server permits, and no refusals", () => {
  test.each(CLIENTS)("$name", { timeout: 60_000 }, async (client) => {
    const { vendor, limits, call } = await setUp(client);
    await Promise.all(Array.from({ length: REQUESTS }, (_, i) => call(i)));
    expect(vendor.statuses).toEqual({ 200: REQUESTS });
    expect(vendor.peak).toBeLessThanOrEqual(12);
    await expectNothingHeld(limits, vendor);
    const { arrivals } = vendor;
    const permitted = BURST + ((arrivals.at(-1)! - arrivals[0]!) * CALLS.capacity) / CALLS.windowMs;
    expect(REQUESTS / permitted).toBeGreaterThanOrEqual(0.95);
  });
});

describe("a refusal stops all for as long as it says", () => {
  test.each(CLIENTS)("$name", { timeout: 60_000 }, async (client) => {
    const { vendor, limits, call } = await setUp(client, {}, 0);
    vendor.script({ status: 429, headers: { "retry-after": "1" } });
    const first = await call(0).catch((error) => error);
    expect(first).toBeInstanceOf(Error);
    await Promise.all(Array.from({ length: 10 }, (_, i) => call(i)));
    expect(vendor.statuses).toEqual({ 200: 10, 429: 1 });
    // The answer was a little on its way before the set was paused.
    expect(vendor.arrivals[1]! - vendor.refusals[0]!).toBeGreaterThanOrEqual(1000);
    await expectNothingHeld(limits, vendor);
  });
});

describe("retries here are the only ones", () => {
  const withRetries = CLIENTS.filter(({ name }) => name === "openai" || name === "@anthropic-ai/sdk");

  test.each(withRetries)(
    "$name, with its own two retries, makes the calls that `retry` says",
    async (client) => {
      const { vendor, limits, call } = await setUp(client, { retry: 2 });
      const refusal = { status: 429, headers: { "retry-after-ms": "20" } };
      vendor.script(refusal, { ...refusal, status: 529 }, { ...refusal, status: 503 });
      await expect(call(0)).rejects.toThrow(/503/);
      expect(vendor.arrivals.length).toBe(3);
      await call(0);
      expect(vendor.arrivals.length).toBe(4);
      await expectNothingHeld(limits, vendor);
    },
  );

  test.each(withRetries)("$name does not repeat a request that is refused here", async (client) => {
    const { vendor, call } = await setUp(client, { cost: () => ({ tokens: 1e6 }) });
    await expect(call(0)).rejects.toThrow(/429/);
    expect(vendor.arrivals.length).toBe(0);
  });

  test.each(withRetries)("$name without `retry` here does its own", async (client) => {
    const { vendor, call } = await setUp(client);
    vendor.script(
      { status: 429, headers: { "retry-after-ms": "20" } },
      { status: 529, headers: { "retry-after-ms": "20" } },
    );
    await call(0);
    expect(vendor.arrivals.length).toBe(3);
  });
});

describe("answers that go wrong give back what they held", () => {
  const url = (vendor: Vendor, path: string) => `${vendor.url}/v1/${path}`;
  const body = (model: string) => JSON.stringify({ model, stream: true, max_tokens: 400, messages: [] });
  const streaming = CLIENTS.filter(({ name }) => name === "openai" || name === "@anthropic-ai/sdk");

  test.each(["eof", "reset", "error"])("%s in mid-stream", async (model) => {
    for (const { provider } of streaming) {
      const vendor = await startVendor(SERVED);
      const limits = limitsFor();
      const fetch = limitFetch(limits, provider);
      const path = provider.name === "anthropic" ? "messages" : "chat/completions";
      const response = await fetch(url(vendor, path), { method: "POST", body: body(model) });
      expect(limits.stats()["connections"]!.used).toBe(1);
      await response.text().catch((error) => expect(model, String(error)).toBe("reset"));
      await expectNothingHeld(limits, vendor);
      // What was said, and not all that was reserved.
      expect(limits.stats()["output_tokens"]!.used).toBeLessThan(100);
      limits.close();
      await vendor.close();
    }
  });

  test("cancelled and aborted in mid-stream, while others wait for the connection", async () => {
    // The server sees the end of a connection a moment later than this side.
    const vendor = await startVendor({ connections: 2 });
    const limits = new LimitSet({ limits: [new ResourceLimit({ key: "connections", capacity: 1 })] });
    const fetch = limitFetch(limits);
    const post = { method: "POST", body: body("slow") };
    const controller = new AbortController();
    const first = await fetch(url(vendor, "messages"), post);
    const second = fetch(url(vendor, "messages"), { ...post, signal: controller.signal });
    const third = fetch(url(vendor, "messages"), { method: "POST" });
    const reader = first.body!.getReader();
    await reader.read();
    await reader.cancel();
    const { body: aborted } = await second;
    await aborted!.getReader().read();
    controller.abort();
    expect((await third).status).toBe(200);
    await (await third).text();
    await expectNothingHeld(limits as never, vendor);
    await vendor.close();
  });
});

test("when the server shrinks, only calls in flight are refused; what it says is learned", {
  timeout: 60_000,
}, async () => {
  const client = CLIENTS.find(({ name }) => name === "openai")!;
  const { vendor, limits, call } = await setUp(client, { retry: 5, learn: true }, 0);
  let inFlight = 0;
  const all = Array.from({ length: 100 }, async (_, i) => {
    await call(i);
    // Half of the calls are done.
    if (vendor.statuses[200] === 50 && inFlight === 0) {
      inFlight = vendor.open + 1;
      vendor.change({ calls: { capacity: 20, windowMs: 1000 } });
    }
  });
  await Promise.all(all);
  expect(limits.get("call_count").capacity).toBe(20);
  expect(vendor.statuses[200]).toBe(100);
  expect(vendor.statuses[429] ?? 0).toBeLessThanOrEqual(inFlight);
  await expectNothingHeld(limits, vendor);
});
