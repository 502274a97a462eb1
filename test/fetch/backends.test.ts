/** `limitFetch` over sets that live elsewhere: a refusal that one hears stops all. */
import { expect, onTestFinished, test } from "vitest";
import { limitFetch } from "../../src/fetch/index.ts";
import { CallLimit, LimitSet, type Limits, RateLimit, ResourceLimit } from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { attachLimits, shareLimits } from "../../src/threads/index.ts";
import { clientFor, describeRedis, serverFor } from "../redis/server.ts";
import { counting, post, URL_OF_API } from "./lab.ts";

const LIMITS = [
  new CallLimit({ capacity: 100, windowMs: 60_000 }),
  new RateLimit({ key: "tokens", capacity: 1000, windowMs: 86_400_000 }),
  new ResourceLimit({ key: "connections", capacity: 2 }),
];

/** Two users of one set. The first is refused once; both call then, and the second while the first's pause lasts. */
async function expectShared(one: Limits<string>, other: Limits<string>): Promise<void> {
  const used = async () => {
    const { tokens, connections } = (await one.stats()) as Record<string, { used: number }>;
    return [tokens!.used, connections!.used];
  };
  const refusal = () => new Response("slow down", { status: 429, headers: { "retry-after-ms": "300" } });
  const good = () => Response.json({ usage: { tokens: 7 } });
  const answers = [refusal, good, good];
  const sentAt: number[] = [];
  const beneath = (async () => {
    sentAt.push(performance.now());
    return answers.shift()!();
  }) as typeof fetch;
  const [first, second] = [one, other].map((limits) =>
    limitFetch(limits, { provider: counting, fetch: beneath }),
  );
  const refused = await first!(URL_OF_API, post(40));
  const refusedAt = performance.now();
  expect(await refused.text()).toBe("slow down");
  const calls = [second!, first!].map(async (send) => {
    const response = await send(URL_OF_API, post(40));
    expect((await used())[1]).toBeGreaterThan(0);
    return response.json();
  });
  await Promise.all(calls);
  // The pause began before the answer was handed out.
  expect(sentAt[1]! - sentAt[0]!).toBeGreaterThanOrEqual(299 - (refusedAt - sentAt[0]!));
  // The provider of this test says nothing of refusals, so that the first is charged what it reserved.
  await expect.poll(used).toEqual([54, 0]);
}

test("threads: two handles of one set", async () => {
  const limits = new LimitSet<string>({ limits: LIMITS as never });
  const attached = attachLimits(shareLimits(limits as never).handle) as unknown as Limits<string>;
  await expectShared(limits, attached);
  await attached.close();
  limits.close();
});

test("a port: the host and a peer, which need not be ready", async () => {
  const limits = new LimitSet<string>({ limits: LIMITS as never });
  const { port1, port2 } = new MessageChannel();
  serveLimits(limits, port1);
  const peer = connectLimits<string>(port2);
  await expectShared(peer, limits);
  await peer.close();
  limits.close();
  port1.close();
});

describeRedis("Redis", () => {
  test("Redis: two clients of one set", async () => {
    const server = await serverFor();
    const [one, other] = [1, 2].map(
      () => new RedisLimitSet<string>({ name: "fetch", limits: LIMITS as never, client: clientFor(server) }),
    );
    onTestFinished(async () => {
      await one!.close();
      await other!.close();
    });
    await expectShared(one as never, other as never);
  });
});
