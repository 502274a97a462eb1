/** The examples for edges: a proxy in workerd and in Deno, in front of an upstream that enforces its limits. */
import { EventEmitter, once } from "node:events";
import { describe, expect, onTestFinished, vi } from "vitest";
import { startUpstream } from "../../examples/cloudflare-worker/upstream.js";
import { testIn } from "../installed.ts";
import { type Edge, post, startInDeno, startInWorkerd } from "./edges.ts";

interface Stats {
  readonly used: number;
  readonly waiting: number;
}

const WORDS = "How much may pass in a second, and who says so?";

async function start(startEdge: (upstream: string) => Promise<Edge>, work?: () => Promise<unknown>) {
  const upstream = await startUpstream(work && { work });
  onTestFinished(() => upstream.close());
  const edge = await startEdge(upstream.url);
  onTestFinished(() => edge.close());
  const limits = async (): Promise<Record<"tokens" | "connections", Stats>> =>
    (await fetch(`${edge.url}/limits`)).json();
  return { upstream, limits, call: (body: unknown) => post(edge.url, body) };
}

describe.each([
  ["workerd", startInWorkerd],
  ["deno", startInDeno],
] as const)("the proxy in %s", (command, startEdge) => {
  const testHere = testIn(command);

  testHere(
    "the upstream gets no more than it allows, and refused clients are told when to come back",
    async () => {
      const { upstream, call, limits } = await start(startEdge);
      const begin = performance.now();
      const answers = await Promise.all(Array.from({ length: 80 }, () => call({ prompt: WORDS }).answer));
      const passed = answers.filter(({ status }) => status === 200);
      const refused = answers.filter(({ status }) => status === 429);
      expect(passed.length + refused.length).toBe(80);
      expect(passed.length).toBeGreaterThanOrEqual(5);
      for (const { body } of passed)
        expect(body).toEqual({ text: WORDS.toUpperCase(), usage: { tokens: 47 } });
      for (const { retryAfter, body } of refused) {
        expect(retryAfter).toMatch(/^[1-3]$/);
        expect(body.limitedBy).not.toEqual([]);
      }
      expect(upstream.refused).toBe(0);
      expect(upstream.arrivals.length).toBe(passed.length);
      expect(upstream.peak).toBeLessThanOrEqual(4);
      // Up to each moment no more can have arrived than a burst, and what has refilled since the beginning.
      for (const [i, { at }] of upstream.arrivals.entries()) {
        expect(i + 1).toBeLessThanOrEqual(5 + (20 * (at - begin)) / 1_000);
      }
      expect(await limits()).toMatchObject({ connections: { used: 0, waiting: 0 }, tokens: { waiting: 0 } });
    },
  );

  testHere("unused tokens come back, and a request that could never pass is refused", async () => {
    const { upstream, call, limits } = await start(startEdge);
    expect(await call({ prompt: WORDS, max_tokens: 900 }).answer).toMatchObject({ status: 200 });
    const { tokens, connections } = await limits();
    expect(tokens.used).toBeLessThanOrEqual(47);
    expect(connections.used).toBe(0);
    expect(await call({ prompt: WORDS, max_tokens: 1_001 }).answer).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/1001 of "tokens"/) },
    });
    expect(upstream.arrivals.length).toBe(1);
  });

  testHere("a client that goes away leaves the line, and holds nothing", async () => {
    const done = new EventEmitter();
    const { upstream, call, limits } = await start(startEdge, () => once(done, "go"));
    const calls = Array.from({ length: 4 }, () => call({ prompt: WORDS }));
    await vi.waitFor(() => expect(upstream.inProgress).toBe(4), 10_000);
    const late = call({ prompt: WORDS });
    await vi.waitFor(async () => expect((await limits()).connections.waiting).toBe(1), 10_000);
    for (const { goAway, answer } of [late, calls.shift()!]) {
      goAway();
      await expect(answer).rejects.toThrow("socket hang up");
    }
    await vi.waitFor(async () => expect((await limits()).connections.waiting).toBe(0), 10_000);
    // The upstream still works on the call that was under way.
    expect((await limits()).connections.used).toBe(4);
    done.emit("go");
    for (const { answer } of calls) expect((await answer).status).toBe(200);
    await vi.waitFor(async () => expect((await limits()).connections.used).toBe(0), 10_000);
    expect(upstream.arrivals.length).toBe(4);
  });
});
