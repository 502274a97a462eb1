/** A spread set wherever a set of limits is taken: served over a port, in workers of every mode, before an HTTP server and a fetch. */
import { MessageChannel } from "node:worker_threads";
import { CallLimit, type Limits, RateLimit, ResourceLimit } from "limitset";
import { limitFetch } from "limitset/fetch";
import { guard } from "limitset/http";
import { connectLimits, serveLimits } from "limitset/port";
import { SpreadLimitSet } from "limitset/threads";
import { describe, expect, onTestFinished, test } from "vitest";
import { crew, MODES } from "../worker/pools.ts";

const USERS = Array.from({ length: 12 }, (_, i) => `user ${i}`);

function spread(capacity = 1) {
  const limits = new SpreadLimitSet({
    limits: [
      new ResourceLimit({ key: "slots", capacity, per: "user", tiers: { pro: { capacity: 3 } } }),
      new CallLimit({ key: "calls", capacity: 100, windowMs: 3_600_000, per: "user" }),
    ],
    heads: 4,
  });
  onTestFinished(() => limits.close());
  return limits;
}

describe("served over a port", () => {
  const serve = <M extends string, K extends string>(set: Limits<M, K>) => {
    const { port1, port2 } = new MessageChannel();
    const service = serveLimits(set, port2);
    onTestFinished(() => {
      service.stop();
      port1.close();
    });
    return connectLimits(port1) as unknown as Limits<"slots" | "call_count" | "tokens", string>;
  };

  test("peers take of each name where it lies, and wait for it", async () => {
    const set = spread();
    const peer = serve(set);
    for (const user of USERS) {
      expect((await peer.for({ user }).tryAcquire()).successful).toBe(true);
      expect(set.for({ user }).stats().slots.used).toBe(1);
      expect((await peer.for({ user }).tryAcquire()).limitedBy).toEqual(["slots"]);
    }
    const own = USERS.map((user) => set.for({ user }, { tier: "pro" }).tryAcquire({ slots: 1 }));
    expect(own.every(({ successful }) => successful)).toBe(true);
    const waiters = USERS.map((user) => peer.for({ user }).acquire({}, { timeoutMs: 10_000 }));
    await expect.poll(() => set.waiting).toBe(USERS.length);
    set.redefine((current) => current.map((limit) => ({ ...limit, capacity: limit.capacity + 2 })) as never);
    expect((await Promise.all(waiters)).map(({ requested }) => requested.slots)).toEqual(USERS.map(() => 1));
    expect(peer.get("slots").capacity).toBe(3);
  });

  test("a redefinition of a peer reaches all parts, and what is used of a grant from before counts", async () => {
    const tokens = (capacity: number) =>
      new RateLimit({ key: "tokens", capacity, windowMs: 1e9, per: "user" });
    const set = new SpreadLimitSet({ limits: [tokens(10)], heads: 4 });
    onTestFinished(() => set.close());
    const peer = serve(set);
    const held = await Promise.all(USERS.map((user) => peer.for({ user }).acquire({ tokens: 10 })));
    await peer.redefine([tokens(20), new ResourceLimit({ key: "slots", capacity: 1, per: "user" })]);
    for (const each of held) {
      each.update({ tokens: 4 });
      each.release();
    }
    for (const user of USERS) {
      await expect.poll(() => Math.round(set.for({ user }).stats().tokens.used)).toBe(4);
      expect((await peer.for({ user }).tryAcquire({ tokens: 16, slots: 1 })).successful).toBe(true);
    }
  });
});

describe.each(MODES)("in workers of mode %s", (mode) => {
  test("methods name partitions, and give back what they took", async () => {
    const set = spread();
    const worker = crew({ mode, limits: set as never });
    for (const user of USERS.slice(0, 4)) {
      expect((await worker.serve(user, "a", 0)).requested).toEqual({ slots: 1, call_count: 1 });
    }
    for (const user of USERS.slice(0, 4)) {
      await expect.poll(() => set.for({ user }).stats().slots.used).toBe(0);
      expect(set.for({ user }).stats().calls.used).toBeGreaterThan(0);
    }
  });

  test("the limits of a worker may be a view", async () => {
    const set = spread();
    const alice = set.for({ user: "alice" }, { tier: "pro" });
    const worker = crew({ mode, limits: alice as never });
    expect(await worker.keep({ slots: 3 })).toEqual({ slots: 3, call_count: 1 });
    expect(alice.stats().calls.used).toBeGreaterThan(0);
  });
});

test("a guard lets each address pass as often as it may", async () => {
  const set = new SpreadLimitSet({
    limits: [new CallLimit({ capacity: 2, windowMs: 1e9, per: "ip" })],
    heads: 4,
  });
  onTestFinished(() => set.close());
  const handler = guard(set).handler((_request: Request, _server: unknown) => new Response("ok"));
  const statuses = async (hostname: string) => {
    const send = async () =>
      (await handler(new Request("http://here/"), { remoteAddr: { hostname } })).status;
    return [await send(), await send(), await send()];
  };
  for (let i = 0; i < 8; i++) expect(await statuses(`192.0.2.${i}`)).toEqual([200, 200, 429]);
});

test("a fetch names its user", async () => {
  const set = spread(5);
  const sender = async () => new Response("ok");
  const user = (request: Request) => ({ user: new URL(request.url).hostname });
  const fetched = limitFetch(set, { fetch: sender, for: user } as never);
  for (const name of USERS) await (await fetched(`http://${name.replace(" ", "-")}/`)).text();
  for (const name of USERS)
    expect(set.for({ user: name.replace(" ", "-") }).stats().calls.used).toBeGreaterThan(0);
});
