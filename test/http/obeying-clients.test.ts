/** A client under `limitFetch` in front of a guarded server, over sockets: it hears of the server's limits, and keeps to them. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { limitFetch, rateLimitHeaders } from "../../src/fetch/index.ts";
import { guard } from "../../src/http/index.ts";
import { CallLimit, LimitSet, RateLimitAlgorithm } from "../../src/index.ts";

const { TokenBucket, FixedWindow } = RateLimitAlgorithm;
const WINDOW_MS = 1000;
const AT_ONCE = 8;

test.each([
  ["token bucket", TokenBucket],
  ["fixed window", FixedWindow],
] as const)("of a server with a %s, it is refused nothing once it has heard", async (_, algorithm) => {
  const limits = new LimitSet({ limits: [new CallLimit({ capacity: 20, windowMs: WINDOW_MS, algorithm })] });
  const handle = guard(limits).node((_request, response) => response.end("ok"));
  const server = createServer(handle);
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  // It believes that it may send much more, and learns better.
  const own = new LimitSet({ limits: [new CallLimit({ capacity: 1000, windowMs: WINDOW_MS, algorithm })] });
  const send = limitFetch(own, { provider: rateLimitHeaders(), learn: true });
  const statuses: number[] = [];
  const sendUntil = async (count: number) => {
    const one = async () => {
      while (statuses.length < count) {
        const response = await send(url);
        statuses.push(response.status);
        await response.text();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  };
  // The first window is used up with this: those on the way may be refused.
  await sendUntil(24);
  const before = statuses.length;
  await sendUntil(before + 24);
  expect(statuses.slice(before).filter((status) => status !== 200)).toEqual([]);
  expect(statuses.slice(0, before).filter((status) => status === 429).length).toBeLessThan(AT_ONCE);
});
