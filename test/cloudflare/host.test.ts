/** What an object does with calls that come twice, and with what an earlier life has left; without workerd. */
import { beforeEach, describe, expect, it } from "vitest";
import { FORMAT } from "../../assembly/layout.ts";
import type { ObjectStorage } from "../../src/cloudflare/bindings.ts";
import { Host } from "../../src/cloudflare/host.ts";
import type { Ask, Outcome } from "../../src/cloudflare/protocol.ts";
import { Shelf } from "../../src/cloudflare/shelf.ts";
import { RateLimit, ResourceLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

const LEASE_MS = 1000;
const limits = [
  new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 }),
  new RateLimit({ key: "bytes", capacity: 10, windowMs: 1000, algorithm: "sliding-window" }),
  new ResourceLimit({ key: "slots", capacity: 2 }),
];

class Storage implements ObjectStorage {
  readonly kept = new Map<string, unknown>();
  alarm: number | null = null;
  writes = 0;

  async list() {
    return structuredClone(this.kept);
  }

  async put(entries: Record<string, unknown>) {
    this.writes++;
    for (const [name, value] of Object.entries(entries)) this.kept.set(name, structuredClone(value));
  }

  async delete(names: string[]) {
    return names.filter((name) => this.kept.delete(name)).length;
  }

  async getAlarm() {
    return this.alarm;
  }

  async setAlarm(at: number) {
    this.alarm = at;
  }
}

let storage: Storage;
let clock: ManualClock;
beforeEach(() => {
  storage = new Storage();
  clock = new ManualClock();
});

/** The object, in its next life. */
async function live(): Promise<Host> {
  const shelf = new Shelf(storage);
  const options = { limits, config: {}, missingUpdate: "throw", leaseMs: LEASE_MS, clock } as const;
  return new Host(options, shelf, await shelf.load());
}

const owner = {};
function ask(
  host: Host,
  id: string,
  requested: Record<string, number>,
  extras: Partial<Ask> = {},
): Promise<Outcome> {
  const all = { waits: true, timeoutMs: 0, around: undefined, seal: host.facts.seal, ...extras };
  return host.enter({ id, requested, ...all }, owner);
}

function used(host: Host): number[] {
  return Object.values(host.stats("").stats).map((stats) => stats.used);
}

function waiting(host: Host): number {
  return Object.values(host.stats("").stats)[2]!.waiting;
}

describe("a call that comes twice", () => {
  it("takes once, in the same life and in the next", async () => {
    const host = await live();
    const first = await ask(host, "a", { tokens: 40, bytes: 3 });
    expect(first).toEqual({ kind: "granted", units: [40, 3, 1] });
    expect(await ask(host, "a", { tokens: 40, bytes: 3 })).toEqual(first);
    const next = await live();
    expect(await ask(next, "a", { tokens: 40, bytes: 3 })).toMatchObject(first);
    expect(used(next)).toEqual([40, 3, 1]);
  });

  it("gives back once, in the same life and in the next", async () => {
    const host = await live();
    await ask(host, "a", { tokens: 40 });
    await ask(host, "b", { tokens: 40 });
    host.release("a", { tokens: 10 });
    host.release("a", { tokens: 10 });
    expect(used(host)).toEqual([50, 0, 1]);
    const next = await live();
    next.release("a", { tokens: 0 });
    expect(used(next)).toEqual([50, 0, 1]);
    next.release("b", { tokens: 0 });
    expect(used(next)).toEqual([10, 0, 0]);
  });

  it("waits once, and is the one's who came last", async () => {
    const host = await live();
    await ask(host, "a", { slots: 2 });
    const later = {};
    const all = { waits: true, timeoutMs: undefined, around: undefined, seal: "", requested: { slots: 1 } };
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
});

describe("what an earlier life has left", () => {
  it("is written before each answer", async () => {
    const host = await live();
    await ask(host, "a", { tokens: 1 });
    const { writes } = storage;
    host.stats("");
    await ask(host, "b", { tokens: 1000 });
    await ask(host, "c", { tokens: 100 });
    expect(storage.writes).toBe(writes);
  });

  it("is held until its lease ends, and no longer", async () => {
    await ask(await live(), "a", { slots: 2, tokens: 1 });
    clock.advance(LEASE_MS - 1);
    const next = await live();
    expect(used(next)[2]).toBe(2);
    clock.advance(1);
    next.alarm();
    expect(used(next)[2]).toBe(0);
    expect(next.renew("a")).toBe(false);
    expect([...storage.kept.keys()]).toEqual(["definition", "state"]);
  });

  it("is what is held, if the object ended between two writes", async () => {
    await ask(await live(), "a", { slots: 1, tokens: 1 });
    storage.kept.delete("held a");
    expect(used(await live())).toEqual([1, 0, 0]);
  });

  it("counts as used up where it cannot be read", async () => {
    await ask(await live(), "a", { slots: 1, tokens: 1 });
    storage.kept.set("definition", { ...(storage.kept.get("definition") as object), format: FORMAT + 1 });
    const next = await live();
    expect(used(next)).toEqual([100, 10, 1]);
    next.release("a", { tokens: 0 });
    expect(used(next)).toEqual([100, 10, 0]);
    clock.advance(1000);
    expect(used(next)).toEqual([0, 0, 0]);
  });

  it("counts as used up where it is torn", async () => {
    await ask(await live(), "a", { bytes: 1 });
    storage.kept.set("state", (storage.kept.get("state") as Uint8Array).slice(0, -1));
    expect(used(await live())).toEqual([100, 10, 1]);
  });
});
