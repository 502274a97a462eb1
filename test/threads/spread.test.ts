/** A set that is spread over several heads: which part has a name, what concerns all parts, and what a death between two parts leaves. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import {
  CallLimit,
  InvalidHandleError,
  InvalidLimitError,
  InvalidRequestError,
  LimitSet,
  LimitSetClosedError,
  type LimitStats,
  RateLimit,
  ResourceLimit,
  SameVersionWarning,
  TooManyThreadsError,
} from "limitset";
import { attachLimits, SpreadLimitSet, type SpreadLimitSetHandle, shareLimits } from "limitset/threads";
import { describe, expect, onTestFinished, test } from "vitest";

const HEADS = 4;
const USERS = Array.from({ length: 40 }, (_, i) => `user ${i}`);
const calls = (capacity: number) => new CallLimit({ key: "calls", capacity, windowMs: 60_000, per: "user" });
const slots = (capacity: number) => new ResourceLimit({ key: "slots", capacity, per: "user" });

function spread(options: object = {}): SpreadLimitSet<"call_count" | "slots", "calls" | "slots", "user"> {
  const limits = new SpreadLimitSet({ limits: [calls(5), slots(2)], heads: HEADS, ...options });
  onTestFinished(() => limits.close());
  return limits as never;
}

class Peer {
  readonly worker: Worker;
  readonly ready: Promise<unknown>;

  constructor(handle: unknown) {
    this.worker = new Worker(new URL("./spread-peer.js", import.meta.url), { workerData: { handle } });
    this.ready = once(this.worker, "message");
    onTestFinished(async () => {
      await this.worker.terminate();
    });
  }

  async do(...command: unknown[]): Promise<unknown> {
    await this.ready;
    this.worker.postMessage(command);
    const [{ result }] = (await once(this.worker, "message")) as [{ result: unknown }];
    return result;
  }

  async kill(): Promise<void> {
    await this.worker.terminate();
  }
}

/** A user for each part. */
function usersByPart(limits: SpreadLimitSet<never, never, "user">, handle: SpreadLimitSetHandle): string[] {
  const parts = handle.parts.map((part) => attachLimits(part));
  const users: string[] = [];
  for (const user of USERS) {
    const held = limits.for({ user } as never).tryAcquire({ slots: 1, call_count: 0 } as never);
    const at = parts.findIndex((part) => part.for({ user }).stats()["slots"]!.used > 0);
    users[at] ??= user;
    held.release();
  }
  for (const part of parts) part.close();
  expect(users.filter(Boolean)).toHaveLength(HEADS);
  return users;
}

describe("names", () => {
  test("each name has one part in all threads, and all parts have names", async () => {
    const limits = spread();
    const { handle } = shareLimits(limits);
    for (const user of USERS) limits.for({ user }).tryAcquire({ call_count: 2 });
    const peer = new Peer(handle);
    for (const user of USERS.slice(0, 10)) {
      expect(await peer.do("take", user, { call_count: 4 })).toBe(false);
      expect(await peer.do("take", user, { call_count: 3 })).toBe(true);
    }
    expect(limits.partitions.user).toEqual({ count: USERS.length, max: 100_000, shared: false });
    expect(await peer.do("partitions")).toEqual(limits.partitions);
    const parts = handle.parts.map((part) => attachLimits(part));
    for (const part of parts) expect(part.partitions["user"]!.count).toBeGreaterThan(0);
    for (const part of parts) part.close();
  });

  test("a view that names another user takes from that user's part", () => {
    const limits = spread();
    const alice = limits.for({ user: "alice" });
    for (const user of USERS) {
      expect(limits.for({ user }).tryAcquire({ call_count: 5 }).successful).toBe(true);
      expect(alice.for({ user }).tryAcquire().successful).toBe(false);
    }
    expect(alice.tryAcquire().successful).toBe(true);
    expect(limits.for({})).toBe(limits);
    expect(alice.for({})).toBe(alice);
  });

  test("a name that is null takes nothing, and a request that names none is an error", async () => {
    const limits = spread();
    expect(limits.for({ user: null }).tryAcquire({ call_count: 9 }).requested).toEqual({});
    await expect(limits.acquire()).rejects.toThrow('"user"');
    expect(() => limits.tryAcquire({ slots: 1 })).toThrow(InvalidRequestError);
    expect(() => limits.charge({ call_count: 1 })).toThrow('"user"');
    expect(() => limits.lower({ calls: 1 })).toThrow('"user"');
  });

  test("the share of `max` of each part bounds its partitions", () => {
    const limits = spread({ partitions: { user: { max: 10, whenFull: "refuse" } } });
    expect(limits.partitions.user.max).toBe(8);
    const granted = USERS.filter((user) => limits.for({ user }).tryAcquire().successful);
    expect(granted).toHaveLength(8);
    expect(limits.partitions.user.count).toBe(8);
  });
});

describe("definitions", () => {
  test.each([
    [
      "a limit of all",
      [calls(5), new RateLimit({ key: "all", capacity: 5, windowMs: 1000 })],
      'per of "all" must be "user"',
    ],
    ["two dimensions", [calls(5), new ResourceLimit({ key: "ip", capacity: 5, per: "ip" })], 'got "ip"'],
    ["no limit with `per`", [new ResourceLimit({ key: "db", capacity: 5 })], "a dimension"],
    ["no limits", [], "one limit or more"],
  ])("a spread set with %s is an error that says what would do", (_, limits, said) => {
    expect(() => new SpreadLimitSet({ limits })).toThrow(InvalidLimitError);
    expect(() => new SpreadLimitSet({ limits })).toThrow(said);
  });

  test.each([0, 1.5, 1025, "4", Number.NaN])("heads %s are an error", (heads) => {
    expect(() => spread({ heads })).toThrow(/heads must be a whole number from 1 to 1024, got/);
  });

  test("more heads than partitions, and options that are not known, are errors", () => {
    expect(() => spread({ partitions: { user: { max: 3 } } })).toThrow(/heads must be at most 3/);
    expect(() => spread({ haeds: 4 })).toThrow(/did you mean heads/);
  });

  test("a redefinition keeps the dimension, and changes nothing otherwise", () => {
    const limits = spread();
    for (const other of [
      [],
      [new CallLimit({ capacity: 1, windowMs: 1, per: "ip" })],
      [new CallLimit({ capacity: 1, windowMs: 1 })],
    ])
      expect(() => limits.redefine(other)).toThrow(InvalidLimitError);
    for (const user of USERS) expect(limits.for({ user }).get("calls").capacity).toBe(5);
  });

  test("a redefinition, a pause and a reset are about all parts", () => {
    const limits = spread();
    for (const user of USERS) limits.for({ user }).tryAcquire({ call_count: 3 });
    limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: 2 * limit.capacity })));
    expect(limits.get("calls").capacity).toBe(10);
    for (const user of USERS) {
      expect(limits.for({ user }).stats().calls).toMatchObject({ capacity: 10, used: 3 });
    }
    limits.pause(Number.POSITIVE_INFINITY, ["calls"]);
    for (const user of USERS) expect(limits.for({ user }).peek().limitedBy).toEqual(["calls"]);
    limits.resume();
    limits.reset();
    for (const user of USERS) expect(limits.for({ user }).peek({ call_count: 10 }).successful).toBe(true);
  });

  test("totals are those of all parts, on the set and on views", () => {
    const limits = spread();
    for (const user of USERS) limits.for({ user }).tryAcquire();
    limits.for({ user: USERS[0]! }).tryAcquire({ call_count: 5 });
    const expected = { granted: USERS.length, refused: 1 };
    expect(limits.stats().calls).toMatchObject({ ...expected, used: 0 });
    expect(limits.get("calls").stats()).toMatchObject(expected);
    expect(limits.for({ user: USERS[1]! }).stats().calls).toMatchObject({ ...expected, used: 1 });
  });

  test("that a version has two definitions is told once, and a lower version changes nothing", () => {
    const warnings: unknown[] = [];
    const limits = spread({ onWarning: (warning: unknown) => warnings.push(warning) });
    limits.redefine([calls(7), slots(2)], { version: 2 });
    limits.redefine([calls(8), slots(2)], { version: 2 });
    limits.redefine([calls(9), slots(2)], { version: 1 });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toBeInstanceOf(SameVersionWarning);
    for (const user of USERS) expect(limits.for({ user }).get("calls").capacity).toBe(8);
  });
});

describe("a thread that ends between two parts", () => {
  const reached = (limits: SpreadLimitSet<never, never, "user">, users: readonly string[]) =>
    users.map(
      (user) => (limits.for({ user } as never).get("calls" as never) as { capacity: number }).capacity,
    );

  test("the others bring all parts to the limits of the first: where it is reclaimed, for views that are kept", async () => {
    const limits = spread();
    const { handle, reclaim } = shareLimits(limits);
    const users = usersByPart(limits as never, handle);
    const kept = users.map((user) => limits.for({ user }));
    const peer = new Peer(handle.parts[0]);
    const { threadId } = peer.worker;
    await peer.do("redefine", [calls(9), slots(1)]);
    await peer.kill();
    reclaim(threadId);
    expect(kept.map((view) => view.tryAcquire({ call_count: 9 }).successful)).toEqual(users.map(() => true));
  });

  test("a call of the set in any thread brings the others there", async () => {
    const limits = spread();
    const { handle } = shareLimits(limits);
    const users = usersByPart(limits as never, handle);
    const [half, witness] = [new Peer(handle.parts[0]), new Peer(handle)];
    await witness.ready;
    await half.do("redefine", [calls(9), slots(1)]);
    await half.kill();
    // `for` of a thread that has only views of the last part until then.
    expect(await witness.do("capacity", users.at(-1))).toBe(9);
    expect(reached(limits as never, users)).toEqual(users.map(() => 9));
  });

  test("a thread that attaches brings the others there, and each part once", async () => {
    const limits = spread();
    const { handle } = shareLimits(limits);
    const users = usersByPart(limits as never, handle);
    for (const user of users) limits.for({ user }).tryAcquire({ call_count: 3 });
    const half = new Peer(handle.parts[0]);
    await half.do("redefine", [calls(9), slots(1)], { inherit: "fresh", version: 3 });
    await half.kill();
    const late = new Peer(handle);
    expect(await late.do("take", users[1], { call_count: 9, slots: 0 })).toBe(true);
    // What the thread that died had said of the state holds for the parts that it did not reach.
    for (const user of users) {
      const { used } = (limits.for({ user }).stats() as Record<"calls", LimitStats>).calls;
      expect(used).toBe(user === users[1] ? 9 : 0);
    }
  });

  test("another redefinition comes after the one that was left", async () => {
    const limits = spread();
    const { handle } = shareLimits(limits);
    const users = usersByPart(limits as never, handle);
    const half = new Peer(handle.parts[0]);
    await half.do("redefine", [calls(9), slots(1)]);
    await half.kill();
    limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: limit.capacity + 1 })));
    expect(reached(limits as never, users)).toEqual(users.map(() => 10));
  });
});

describe("threads", () => {
  test("what a worker holds in any part comes back when it ends", async () => {
    const limits = spread();
    const worker = new Worker(new URL("./spread-holder.js", import.meta.url));
    shareLimits(limits, worker);
    worker.postMessage(USERS);
    await once(worker, "message");
    for (const user of USERS) expect(limits.for({ user }).stats().slots.used).toBe(2);
    await worker.terminate();
    for (const user of USERS) expect(limits.for({ user }).stats().slots.used).toBe(0);
  });

  test("reclaim ends a thread in all parts, and voids the handle of all", async () => {
    const limits = spread();
    const { handle, reclaim } = shareLimits(limits);
    const attached = attachLimits(handle);
    for (const user of USERS) attached.for({ user }).tryAcquire({ slots: 2 });
    reclaim();
    for (const user of USERS) {
      expect(() => attached.for({ user }).tryAcquire()).toThrow(LimitSetClosedError);
      expect(limits.for({ user }).stats().slots.used).toBe(0);
    }
    expect(() => attachLimits(handle)).toThrow(InvalidHandleError);
  });

  test("a thread that blocks for a partition is woken by a release in another", async () => {
    const limits = spread();
    const held = limits.for({ user: "alice" }).tryAcquire({ slots: 2 });
    const peer = new Peer(shareLimits(limits).handle);
    await peer.ready;
    const blocked = peer.do("blockFor", "alice");
    held.release();
    expect(await blocked).toBe(true);
  });

  test("where a part has no seat left, no part is attached", () => {
    const limits = spread({ maxThreads: 1 });
    const { handle } = shareLimits(limits);
    const last = attachLimits(handle.parts[HEADS - 1]!);
    expect(() => attachLimits(handle)).toThrow(TooManyThreadsError);
    last.close();
    attachLimits(handle).close();
  });

  test("an earlier version of the library takes the handle for one of another version", () => {
    const { handle } = shareLimits(spread());
    const { parts: _, key: __, ...asRead } = handle as unknown as Record<string, unknown>;
    expect(() => attachLimits(asRead as never)).toThrow(/another version of limitset/);
    expect(() => attachLimits({ ...handle, format: 1 } as never)).toThrow(/another version of limitset/);
    expect(() => attachLimits({ ...handle, parts: [] } as never)).toThrow(/expected the `handle`/);
  });

  test("a view is not shared, and a set that is closed is not either", () => {
    const limits = spread();
    expect(() => shareLimits(limits.for({ user: "alice" }) as never)).toThrow(/a view cannot be shared/);
    limits.close();
    expect(() => shareLimits(limits)).toThrow(LimitSetClosedError);
    limits.close();
  });

  test("a set that is used already keeps what is used when it is shared", () => {
    const limits = spread();
    const held = USERS.map((user) => limits.for({ user }).tryAcquire({ call_count: 2, slots: 1 }));
    const attached = attachLimits(shareLimits(limits).handle);
    for (const user of USERS) expect(attached.for({ user }).stats().calls.used).toBe(2);
    for (const each of held) each.release();
    for (const user of USERS) expect(attached.for({ user }).stats().slots.used).toBe(0);
    attached.close();
  });

  test("one head is a set like others", () => {
    const limits = spread({ heads: 1 });
    const other = new LimitSet({ limits: [calls(5), slots(2)] });
    for (const set of [limits, other]) expect(set.for({ user: "alice" }).tryAcquire().successful).toBe(true);
    expect(limits.stats()).toEqual(other.stats());
    other.close();
  });
});
