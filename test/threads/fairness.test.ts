import { LimitSet, RateLimit, RateLimitAlgorithm } from "limitset";
import { describe, expect, test } from "vitest";
import { Peer, until } from "./peer.ts";

const WINDOW_MS = 300;
// The time that a busy machine may take to let a thread run.
const LATE_MS = 200;
const any = (limits: unknown) => limits as LimitSet<never>;
const now = () => performance.timeOrigin + performance.now();

function make(algorithm: RateLimitAlgorithm = "token-bucket", windowMs = WINDOW_MS) {
  return new LimitSet({
    limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs, algorithm })],
    missingUpdate: "charge",
  });
}

describe.each(["tryAcquire", "acquire"])("while three threads saturate the set by %s", (how) => {
  test.each(Object.values(RateLimitAlgorithm))(
    "a request for half the capacity passes within three windows: %s",
    async (algorithm) => {
      const limits = make(algorithm);
      const peers = [1, 2, 3].map(() => new Peer(any(limits)));
      const done = peers.map((peer) => peer.do<number>("saturate", { tokens: 1 }, how));
      await until(() => limits.stats().tokens.retryAfterMs > 0);
      for (let i = 0; i < 3; i++) {
        const start = now();
        await limits.acquire({ tokens: 50 });
        expect(now() - start).toBeLessThan(3 * WINDOW_MS + LATE_MS);
      }
      for (const peer of peers) peer.do("stop");
      const granted = await Promise.all(done);
      expect(granted.reduce((sum, count) => sum + count)).toBeGreaterThan(0);
    },
  );
});

test("a thread that does not run, with a waiter of its own, does not stall the others", async () => {
  const limits = make("token-bucket", 2000);
  const stalled = new Peer(any(limits));
  const thief = new Peer(any(limits));
  expect(await thief.do("take", { tokens: 100 })).toBe(true);
  await stalled.do("queue", { tokens: 2 });
  // The waiter is passed over until it has a claim, and then holds back all later requests.
  await until(() => limits.tryAcquire({ tokens: 1 }).limitedBy.length === 0);
  for (let i = 0; i < 40; i++) {
    await thief.do("take", { tokens: 2 });
    await thief.do("take", { tokens: 1 });
  }
  await stalled.do("queue", { tokens: 100 });
  const computed = stalled.do<number>("compute", 1500);
  await limits.acquire({ tokens: 1 });
  const passedAt = now();
  expect(passedAt).toBeLessThan(await computed);
});
