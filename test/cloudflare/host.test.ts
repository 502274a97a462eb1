/** The host of a set, without workerd: calls that come twice, and a set that an object finds in its storage. */
import { beforeEach, describe, expect, it } from "vitest";
import { FORMAT } from "../../assembly/layout.ts";
import type { Host, HostOptions } from "../../src/cloudflare/host.ts";
import type { Outcome, SentRequest } from "../../src/cloudflare/protocol.ts";
import { type Limit, RateLimit, ResourceLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { Storage, startHost } from "./host.ts";

const LEASE_MS = 1000;
const limits = [
  new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 }),
  new RateLimit({ key: "bytes", capacity: 10, windowMs: 1000, algorithm: "sliding-window" }),
  new ResourceLimit({ key: "slots", capacity: 2 }),
];

let storage: Storage;
let clock: ManualClock;
beforeEach(() => {
  storage = new Storage();
  clock = new ManualClock();
});

/** The host of an object that starts with this storage. */
async function start(all: readonly Limit[] = limits, queue: HostOptions["queue"] = {}): Promise<Host> {
  return startHost(storage, { limits: all, clock, leaseMs: LEASE_MS, queue });
}

const owner = {};
function ask(
  host: Host,
  id: string,
  requested: Record<string, number>,
  extras: Partial<SentRequest> = {},
): Promise<Outcome> {
  const all = { waits: true, timeoutMs: 0, around: undefined, descriptionId: host.description.id, ...extras };
  return host.enter({ id, requested, ...all }, owner);
}

function used(host: Host): number[] {
  return Object.values(host.stats("").stats).map((stats) => stats.used);
}

function waiting(host: Host): number {
  return Object.values(host.stats("").stats)[2]!.waiting;
}

describe("a clock that was ahead", () => {
  it("and is put right while the object is gone refuses for one window at most", async () => {
    clock.advance(86_400_000);
    await ask(await start(), "a", { tokens: 100, bytes: 10, slots: 0 });
    clock.set(clock.now() - 86_400_000);
    const host = await start();
    expect(used(host)).toEqual([100, 10, 0]);
    clock.advance(1000);
    expect(used(host)).toEqual([0, 0, 0]);
  });

  it("lengthens no lease beyond its end", async () => {
    clock.advance(86_400_000);
    await ask(await start(), "a", { tokens: 0, bytes: 0, slots: 2 });
    clock.set(clock.now() - 86_400_000);
    const host = await start();
    clock.advance(LEASE_MS - 1);
    expect(used(host)[2]).toBe(2);
    clock.advance(1);
    expect(used(host)[2]).toBe(0);
  });
});

describe("the host of a set", () => {
  it("takes once for a request that is sent twice, also if it restarts in between", async () => {
    const host = await start();
    const first = await ask(host, "a", { tokens: 40, bytes: 3 });
    expect(first).toEqual({ kind: "granted", units: [40, 3, 1] });
    expect(await ask(host, "a", { tokens: 40, bytes: 3 })).toEqual(first);
    const next = await start();
    expect(await ask(next, "a", { tokens: 40, bytes: 3 })).toMatchObject(first);
    expect(used(next)).toEqual([40, 3, 1]);
  });

  it("gives back once for a release that is sent twice, also if it restarts in between", async () => {
    const host = await start();
    await ask(host, "a", { tokens: 40 });
    await ask(host, "b", { tokens: 40 });
    host.release("a", { tokens: 10 });
    host.release("a", { tokens: 10 });
    expect(used(host)).toEqual([50, 0, 1]);
    const next = await start();
    next.release("a", { tokens: 0 });
    expect(used(next)).toEqual([50, 0, 1]);
    next.release("b", { tokens: 0 });
    expect(used(next)).toEqual([10, 0, 0]);
  });

  it("takes back everything, rates and resources, of a request that is cancelled in the turn of its grant", async () => {
    const host = await start();
    const outcome = ask(host, "a", { tokens: 40, slots: 2 });
    host.cancel("a");
    expect(await outcome).toEqual({ kind: "cancelled" });
    expect(used(host)).toEqual([0, 0, 0]);
  });

  it("has one waiter for a request that is sent twice, and the later owner can end it", async () => {
    const host = await start();
    await ask(host, "a", { slots: 2 });
    const later = {};
    const all = {
      waits: true,
      timeoutMs: undefined,
      around: undefined,
      descriptionId: "",
      requested: { slots: 1 },
    };
    const waiters = [host.enter({ id: "b", ...all }, owner), host.enter({ id: "b", ...all }, later)];
    expect(waiting(host)).toBe(1);
    host.abandon("b", owner);
    expect(waiting(host)).toBe(1);
    host.release("a", {});
    expect(await Promise.all(waiters)).toMatchObject([{ kind: "granted" }, { kind: "granted" }]);
    expect(used(host)[2]).toBe(1);
    host.abandon("b", later);
    expect(used(host)[2]).toBe(0);
  });

  it("lets requests wait as their terms and the options of its queue say, and tells how long they waited", async () => {
    const host = await start(limits, { maxWaiting: 2, agingMs: 100 });
    await ask(host, "a", { tokens: 100, slots: 0 });
    const take = { tokens: 50, slots: 0 };
    const grants: string[] = [];
    const wait = (id: string, extras: Partial<SentRequest>) =>
      ask(host, id, take, { timeoutMs: undefined, ...extras }).then((outcome) => {
        grants.push(id);
        return outcome;
      });
    const low = wait("low", {});
    const high = wait("high", { priority: 1, maxWaitMs: 1000 });
    const tried = await ask(host, "try", { tokens: 1, slots: 0 }, { waits: false });
    expect(tried).toMatchObject({ kind: "refused", ahead: 2, retryAfterMs: 1010 });
    const full = { kind: "failed", error: { code: "ERR_QUEUE_FULL", fields: { maxWaiting: 2, ahead: 2 } } };
    expect(await ask(host, "full", take, { timeoutMs: undefined })).toMatchObject(full);
    const tooLong = { kind: "failed", error: { code: "ERR_WAIT_TOO_LONG", fields: { maxWaitMs: 900 } } };
    expect(await ask(host, "long", take, { timeoutMs: undefined, maxWaitMs: 900 })).toMatchObject(tooLong);
    clock.advance(500);
    expect(await high).toEqual({ kind: "granted", units: [50, 0, 0], waitedMs: 500 });
    clock.advance(500);
    expect(await low).toMatchObject({ waitedMs: 1000 });
    expect(grants).toEqual(["high", "low"]);
  });

  it("writes nothing for an answer that changes nothing", async () => {
    const host = await start();
    await ask(host, "a", { tokens: 1 });
    const { writes } = storage;
    host.stats("");
    await ask(host, "b", { tokens: 1000 });
    await ask(host, "c", { tokens: 100 });
    expect(storage.writes).toBe(writes);
  });

  it("keeps a grant over a restart, until its lease ends", async () => {
    await ask(await start(), "a", { slots: 2, tokens: 1 });
    clock.advance(LEASE_MS - 1);
    const next = await start();
    expect(used(next)[2]).toBe(2);
    clock.advance(1);
    next.alarm();
    expect(used(next)[2]).toBe(0);
    expect(next.renew("a")).toBe(false);
    expect([...storage.kept.keys()]).toEqual(["definition", "state"]);
  });

  it("counts as held what stored grants hold, if the object ended between two writes", async () => {
    await ask(await start(), "a", { slots: 1, tokens: 1 });
    storage.kept.delete("held a");
    expect(used(await start())).toEqual([1, 0, 0]);
  });

  it("counts all rate limits as used up if the stored state has another layout", async () => {
    await ask(await start(), "a", { slots: 1, tokens: 1 });
    storage.kept.set("definition", { ...(storage.kept.get("definition") as object), format: FORMAT + 1 });
    const next = await start();
    expect(used(next)).toEqual([100, 10, 1]);
    next.release("a", { tokens: 0 });
    expect(used(next)).toEqual([100, 10, 0]);
    clock.advance(1000);
    expect(used(next)).toEqual([0, 0, 0]);
  });

  describe("of a set with a wide limit", () => {
    const wide = [...limits, new RateLimit({ key: "traffic", capacity: 2 ** 40, windowMs: 86_400_000 })];

    it("keeps the state over a restart, to the unit", async () => {
      await ask(await start(wide), "a", { traffic: 2 ** 40, bytes: 1 });
      clock.advance(0.001);
      expect(used(await start(wide))).toEqual([0, 1, 1, 2 ** 40 - 12]);
    });

    it("counts all rate limits as used up if the stored state has the layout of narrow sets", async () => {
      await ask(await start(wide), "a", { traffic: 1, bytes: 1 });
      storage.kept.set("definition", { ...(storage.kept.get("definition") as object), format: 1 });
      expect(used(await start(wide))).toEqual([100, 10, 1, 2 ** 40]);
    });
  });

  it("counts all rate limits as used up if the stored state is incomplete", async () => {
    await ask(await start(), "a", { bytes: 1 });
    storage.kept.set("state", (storage.kept.get("state") as Uint8Array).slice(0, -1));
    expect(used(await start())).toEqual([100, 10, 1]);
  });
});

it("a peek writes nothing, and holds nothing", async () => {
  const host = await start();
  await ask(host, "a", { tokens: 60, slots: 1 });
  const { writes } = storage;
  const alarm = storage.alarm;
  expect(host.peek({ tokens: 50 }, host.description.id)).toEqual({
    kind: "foreseen",
    prospect: { successful: false, retryAfterMs: 100, limitedBy: ["tokens"], ahead: 0 },
  });
  expect(host.peek({ tokens: 40 }, host.description.id)).toMatchObject({ prospect: { successful: true } });
  expect(host.peek({ tokens: -1 }, "")).toMatchObject({ kind: "failed", description: { leaseMs: LEASE_MS } });
  expect([storage.writes, storage.alarm, used(host)]).toEqual([writes, alarm, [60, 0, 1]]);
});
