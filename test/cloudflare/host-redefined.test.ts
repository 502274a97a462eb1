/** The host of a set that is redefined, without workerd: it comes back from its storage as it was, whenever it starts anew. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Host } from "../../src/cloudflare/host.ts";
import type { Granted, Outcome, SentRequest } from "../../src/cloudflare/protocol.ts";
import { type Limit, type LimitLike, RateLimit, ResourceLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { Storage, startHost } from "./host.ts";

const tokens = (capacity: number, more: object = {}) =>
  new RateLimit({ key: "tokens", capacity, windowMs: 1000, ...more });
const slots = (capacity: number) => new ResourceLimit({ key: "slots", capacity });
const calls = (capacity: number) => new RateLimit({ key: "calls", capacity, windowMs: 1000 });
const declared = [tokens(100), slots(2)];

let storage: Storage;
let clock: ManualClock;
beforeEach(() => {
  storage = new Storage();
  clock = new ManualClock();
});

/** The host of an object of a class with these limits. */
function start(limits: readonly Limit[] = declared, version?: number): Promise<Host> {
  return startHost(storage, { limits, clock, ...(version !== undefined && { version }) });
}

function ask(
  host: Host,
  id: string,
  requested: Record<string, number>,
  extras: Partial<SentRequest> = {},
): Promise<Outcome> {
  const { id: descriptionId, era } = host.description;
  const all = { waits: true, timeoutMs: 0, around: undefined, descriptionId, era, ...extras };
  return host.enter({ id, requested, ...all }, host);
}

function redefine(host: Host, id: string, limits: readonly Limit[], options: object = {}) {
  return host.redefine(id, { limits: limits as readonly LimitLike[], ...options }, host.description.id);
}

function capacities(host: Host): Record<string, number> {
  const entries = host.description.limits.map((limit) => [(limit as Limit).key, limit.capacity]);
  return Object.fromEntries(entries);
}

function used(host: Host): Record<string, number> {
  const { stats } = host.stats("");
  return Object.fromEntries(Object.entries(stats).map(([key, { used }]) => [key, used]));
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a host whose set was redefined", () => {
  it("has the later limits after a restart, with what was used and held before", async () => {
    const host = await start();
    await ask(host, "a", { tokens: 60, slots: 2 });
    expect(redefine(host, "1", [tokens(50), slots(3), calls(5)])).toMatchObject({ kind: "changed" });
    const next = await start();
    expect(capacities(next)).toEqual({ tokens: 50, slots: 3, calls: 5 });
    expect(used(next)).toEqual({ tokens: 60, slots: 2, calls: 0 });
    expect(next.description).toMatchObject({ era: 1, births: [0, 0, 1] });
    next.release("a", { tokens: 10 });
    expect(used(next)).toEqual({ tokens: 10, slots: 0, calls: 0 });
  });

  it("does what is asked twice once, also after a restart", async () => {
    const host = await start();
    redefine(host, "1", [tokens(50)]);
    redefine(host, "2", [tokens(40)]);
    expect(redefine(host, "1", [tokens(50)])).toEqual({ kind: "changed" });
    expect(capacities(host)).toEqual({ tokens: 40 });
    const next = await start();
    redefine(next, "2", [tokens(40)]);
    redefine(next, "1", [tokens(50)]);
    expect(capacities(next)).toEqual({ tokens: 40 });
    expect(next.description.era).toBe(2);
  });

  it("changes nothing for limits that were made of others, or that are bad", async () => {
    const host = await start();
    redefine(host, "1", [tokens(50)], { of: 0 });
    expect(redefine(host, "2", [tokens(40)], { of: 0 })).toEqual({ kind: "changed", isStale: true });
    const bad = { type: "rate", key: "tokens", capacity: 0, windowMs: 1 } as unknown as Limit;
    expect(redefine(host, "3", [bad])).toMatchObject({
      kind: "failed",
      error: { code: "ERR_INVALID_LIMIT" },
    });
    expect(capacities(await start())).toEqual({ tokens: 50 });
  });

  it("tells with each grant the limits under which it was granted", async () => {
    const host = await start();
    const before = host.description;
    await ask(host, "a", { slots: 2 });
    const waits = { timeoutMs: undefined };
    const early = ask(host, "early", { tokens: 1, slots: 0 }, waits);
    const late = ask(host, "late", { tokens: 1, slots: 1 }, waits);
    redefine(host, "1", [calls(5), tokens(200), slots(3)]);
    const [first, second] = (await Promise.all([early, late])) as [Granted, Granted];
    expect(first).toEqual({ kind: "granted", units: [1, 0] });
    expect(second).toMatchObject({ kind: "granted", units: [0, 1, 1], description: { era: 1 } });
    // The client asks again, since it has not heard the answer; the object has restarted meanwhile.
    const next = await start();
    const again = await ask(next, "early", { tokens: 1, slots: 0 });
    expect(again).toMatchObject({ units: [1, 0], description: { limits: before.limits, era: 0 } });
  });

  it("grants of several eras keep their rights over restarts, and the eras go when none is left", async () => {
    const eras = () => [...storage.kept.keys()].filter((key) => key.startsWith("era "));
    let host = await start();
    await ask(host, "a", { tokens: 30, slots: 1 });
    redefine(host, "1", [slots(5), tokens(200)]);
    host = await start();
    await ask(host, "b", { tokens: 30, slots: 2 });
    redefine(host, "2", [tokens(300), slots(5)]);
    host = await start();
    expect(used(host)).toEqual({ tokens: 60, slots: 3 });
    host.release("b", { tokens: 10 });
    expect(used(host)).toEqual({ tokens: 40, slots: 1 });
    for (let i = 0; i < 20; i++) redefine(host, `more ${i}`, [tokens(300 + i), slots(5)]);
    expect(eras()).toHaveLength(9);
    host = await start();
    host.release("a", { tokens: 0 });
    expect(used(host)).toEqual({ tokens: 10, slots: 0 });
    redefine(host, "last", [tokens(300), slots(5)]);
    expect(eras()).toHaveLength(8);
  });

  it("a request that names dropped limits by an earlier description goes on without them", async () => {
    const host = await start();
    const { id, era } = host.description;
    redefine(host, "1", [slots(2), calls(5)]);
    const sent = { descriptionId: id, era };
    expect(await ask(host, "a", { tokens: 5, slots: 1 }, sent)).toMatchObject({ units: [1, 0] });
    // It is sent again to an object that has restarted.
    const next = await start();
    expect(await ask(next, "b", { tokens: 5, slots: 1 }, sent)).toMatchObject({ units: [1, 0] });
    expect(await ask(next, "c", { tokens: 5 })).toMatchObject({ kind: "failed" });
  });

  it("waiters wait for the new limits, and those that could never pass are told so", async () => {
    const host = await start();
    await ask(host, "a", { tokens: 100, slots: 0 });
    const waits = { timeoutMs: undefined };
    const passes = ask(host, "passes", { tokens: 10, slots: 0 }, waits);
    const never = ask(host, "never", { tokens: 90, slots: 0 }, waits);
    redefine(host, "1", [tokens(50), slots(2)]);
    expect(await never).toMatchObject({ kind: "failed", error: { code: "ERR_INVALID_REQUEST" } });
    clock.advance(1199);
    await nextTurn();
    expect(Object.values(host.stats("").stats)[0]!.waiting).toBe(1);
    clock.advance(1);
    expect(await passes).toMatchObject({ kind: "granted", waitedMs: 1200 });
  });

  it("writes limits, state and grants together, before it answers", async () => {
    const host = await start();
    await ask(host, "a", { tokens: 60, slots: 1 });
    const { writes } = storage;
    redefine(host, "1", [tokens(50), slots(3)]);
    expect(storage.writes).toBe(writes + 1);
    expect([...storage.kept.keys()].sort()).toEqual(["changes", "definition", "era 0", "held a", "state"]);
  });
});

describe("the limits of the class", () => {
  it("stay replaced by those of a redefinition until they change themselves", async () => {
    redefine(await start(), "1", [tokens(50)]);
    redefine(await start(), "2", [tokens(40)]);
    expect(capacities(await start())).toEqual({ tokens: 40 });
    expect(capacities(await start([tokens(70)]))).toEqual({ tokens: 70 });
    expect(capacities(await start([tokens(70)]))).toEqual({ tokens: 70 });
    expect(capacities(await start())).toEqual({ tokens: 100, slots: 2 });
  });

  it("replace those of a lower version, and never those of a higher one", async () => {
    await ask(await start(declared, 1), "a", { tokens: 1 });
    expect(capacities(await start([tokens(20)], 2))).toEqual({ tokens: 20 });
    expect(capacities(await start(declared, 1))).toEqual({ tokens: 20 });
    const host = await start([tokens(20)], 2);
    redefine(host, "1", [tokens(10)], { version: 4 });
    expect(capacities(await start([tokens(30)], 3))).toEqual({ tokens: 10 });
    expect(capacities(await start([tokens(30)]))).toEqual({ tokens: 10 });
    redefine(await start([tokens(30)], 3), "2", [tokens(5)], { version: 3 });
    expect(capacities(await start([tokens(30)], 5))).toEqual({ tokens: 30 });
  });

  it("warn once where others of the same version were given", async () => {
    const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    await ask(await start(declared, 2), "a", { tokens: 1 });
    await start(declared, 2);
    expect(warnings).not.toHaveBeenCalled();
    expect(capacities(await start([tokens(20)], 2))).toEqual({ tokens: 20 });
    await start([tokens(20)], 2);
    expect(warnings).toHaveBeenCalledOnce();
    expect(warnings.mock.calls[0]).toMatchObject([{ code: "WARN_SAME_VERSION", version: 2 }]);
    await start([tokens(30)]);
    expect(warnings).toHaveBeenCalledOnce();
    warnings.mockRestore();
  });

  it("hand over what is used and held, and refunds", async () => {
    await ask(await start(), "a", { tokens: 60, slots: 1 });
    const next = await start([slots(4), tokens(200), calls(3)]);
    expect(used(next)).toEqual({ slots: 1, tokens: 60, calls: 0 });
    next.release("a", { tokens: 0 });
    expect(used(next)).toEqual({ slots: 0, tokens: 0, calls: 0 });
  });
});

it("a set with a calendar comes back in the same window, and its next one begins on time", async () => {
  const limits = [
    new RateLimit({
      key: "tokens",
      capacity: 100,
      every: "day",
      timeZone: "America/New_York",
      algorithm: "fixed-window",
    }),
    slots(2),
  ];
  clock.set(Date.UTC(2027, 2, 14, 12));
  await ask(await start(limits), "a", { tokens: 60 });
  const next = await start(limits);
  expect(used(next)).toEqual({ tokens: 60, slots: 1 });
  expect(next.description.era).toBe(0);
  // The day on which the clocks go forward has 23 hours, and ends at four in the morning of the next in UTC.
  expect(Object.values(next.stats("").stats)[0]).toMatchObject({ windowMs: 23 * 3_600_000 });
  expect(next.peek({ tokens: 50 }, "")).toMatchObject({ prospect: { retryAfterMs: 16 * 3_600_000 } });
  next.release("a", { tokens: 10 });
  expect(used(await start(limits))).toEqual({ tokens: 10, slots: 0 });
  clock.advance(16 * 3_600_000);
  expect(used(await start(limits))).toEqual({ tokens: 0, slots: 0 });
});
