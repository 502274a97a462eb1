/** Sets that are spread over slots: where their partitions lie, what concerns all slots, and processes that say other things of one set. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import {
  BackendUnavailableError,
  CallLimit,
  InvalidLimitError,
  InvalidRequestError,
  LimitSetClosedError,
  type Limits,
  RateLimit,
  ResourceLimit,
  SameVersionWarning,
} from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { DefinitionMismatchError, RedisLimitSet, SpreadRedisLimitSet } from "../../src/redis/index.ts";
import { PART } from "../../src/redis/part.ts";
import { namesOfParts, slotOf } from "../../src/redis/slot-names.ts";
import { cluster } from "./cluster.ts";
import { describeRedis, RedisServer, serverFor } from "./server.ts";

const SLOTS = 4;
const USERS = Array.from({ length: 24 }, (_, i) => `user ${i}`);
const calls = (capacity: number) =>
  new CallLimit({ key: "calls", capacity, windowMs: 3_600_000, per: "user" });
const slots = (capacity: number) => new ResourceLimit({ key: "slots", capacity, per: "user" });

let names = 0;
const newName = () => `spread ${++names}`;

describeRedis("a set that is spread over slots", () => {
  let server: RedisServer;
  let one: Redis;
  let two: Redis;

  beforeAll(async () => {
    server = await RedisServer.start();
    [one, two] = [new Redis(server.port, "127.0.0.1"), new Redis(server.port, "127.0.0.1")];
  });

  afterAll(async () => {
    for (const client of [one, two]) client.disconnect();
    await server.stop();
  });

  /** The set as one process has it. */
  function open(name: string, options: object = {}) {
    const limits = new SpreadRedisLimitSet({
      ...{ name, client: one, limits: [calls(5), slots(1)], slots: SLOTS },
      ...options,
    });
    onTestFinished(() => limits.close());
    return limits as SpreadRedisLimitSet<"call_count" | "calls" | "slots">;
  }

  /** A part as a process has it that does nothing about the others. */
  function openPart(name: string, follows: boolean) {
    const part = { slots: SLOTS, follows, changed: () => {}, mismatched: () => {} };
    const options = { name, client: two, limits: [calls(5), slots(1)], [PART]: part };
    return new RedisLimitSet<string>(options as never);
  }

  /** The first part as a process has it that ends before it comes to the others. */
  const firstPart = (name: string) => openPart(name, false);

  /** The capacity in each of the parts on the server. */
  const capacities = (name: string) =>
    Promise.all(
      namesOfParts(name, SLOTS).map(async (each) => {
        const part = openPart(each, true);
        const { calls } = await part.stats();
        await part.close();
        return calls?.capacity;
      }),
    );

  test("on a cluster the partitions lie in several slots, and on all nodes", {
    timeout: 60_000,
  }, async () => {
    const nodes = (await cluster()).map(({ port }) => ({ port, host: "127.0.0.1" }));
    const clients = [new Cluster(nodes), new Cluster(nodes)];
    const direct = nodes.map(({ port }) => new Redis(port, "127.0.0.1"));
    onTestFinished(() => {
      for (const client of [...clients, ...direct]) client.disconnect();
    });
    const [mine, theirs] = clients.map((client) => open("users", { client, slots: 16 })) as [
      ReturnType<typeof open>,
      ReturnType<typeof open>,
    ];
    const held = await Promise.all(USERS.map((user) => mine.for({ user }).acquire()));
    const refused = await Promise.all(USERS.map((user) => theirs.for({ user }).tryAcquire()));
    expect(refused.every(({ limitedBy }) => limitedBy.join() === "slots")).toBe(true);
    const keys = await Promise.all(direct.map((node) => node.keys("limitset:*")));
    const found = new Set<number>();
    for (const [i, list] of keys.entries()) {
      expect(list.length, `node ${i}`).toBeGreaterThan(2);
      for (const key of list) found.add(Number(await direct[i]!.call("CLUSTER", "KEYSLOT", key)));
    }
    // 24 users are in some 12 of 16 slots, and each partition lies beside the key of its part.
    expect(found.size).toBeGreaterThan(6);
    expect(keys.flat().filter((key) => !key.endsWith("}")).length).toBeGreaterThanOrEqual(USERS.length);
    const waiting = USERS.map((user) => theirs.for({ user }).acquire({}, { timeoutMs: 20_000 }));
    await expect.poll(() => theirs.waiting).toBe(USERS.length);
    await theirs.redefine([calls(9), slots(1)]);
    for (const each of held) each.release();
    expect((await Promise.all(waiting)).every(({ successful }) => successful)).toBe(true);
    expect((await mine.for({ user: USERS[3]! }).stats()).calls).toMatchObject({ capacity: 9, used: 2 });
  });

  test("the slots of the parts lie apart, and no part is another set's by chance", () => {
    for (const [name, parts] of [
      ["users", 16],
      ["u", 3],
      ["ü 💯", 128],
      ["x", 1],
    ] as const) {
      const all = namesOfParts(name, parts);
      expect(all[0]).toBe(name);
      expect(new Set(all.map((each) => Math.floor((slotOf(each) * parts) / 16_384))).size).toBe(parts);
    }
    // As the specification of clusters has it.
    expect(slotOf("123456789")).toBe(0x31c3);
  });

  test("a process with other slots, or with none, gets an error, and nothing is changed", async () => {
    const name = newName();
    const limits = open(name);
    for (const user of USERS) await limits.for({ user }).tryAcquire({ call_count: 5, slots: 0 });
    const other = open(name, { client: two, slots: 8 });
    for (const user of USERS.slice(0, 6)) {
      await expect(other.for({ user }).tryAcquire()).rejects.toThrow(DefinitionMismatchError);
      await expect(other.for({ user }).acquire()).rejects.toThrow(
        /is spread over 4 slots; here it is spread over 8 slots/,
      );
    }
    await expect(other.redefine([calls(9)])).rejects.toThrow(DefinitionMismatchError);
    await expect(other.reset()).rejects.toThrow(DefinitionMismatchError);
    const plain = new RedisLimitSet({ name, client: two, limits: [calls(5), slots(1)] });
    onTestFinished(() => plain.close());
    await expect(plain.for({ user: "user 0" }).tryAcquire()).rejects.toThrow(/here it is not spread/);
    for (const user of USERS) expect((await limits.for({ user }).tryAcquire()).limitedBy).toEqual(["calls"]);
    const late = open(newName());
    await late.for({ user: "user 0" }).tryAcquire();
    const own = new RedisLimitSet({ name: newName(), client: two, limits: [calls(5)] });
    onTestFinished(() => own.close());
    await own.for({ user: "alice" }).tryAcquire();
    await expect(open(own.name).for({ user: "alice" }).tryAcquire()).rejects.toThrow(
      /is not spread; here it is spread over 4/,
    );
  });

  test("a redefinition is about all slots, and other processes follow", async () => {
    const name = newName();
    const [mine, theirs] = [open(name), open(name, { client: two })];
    for (const user of USERS) await theirs.for({ user }).tryAcquire({ call_count: 4, slots: 0 });
    await mine.redefine((current) => current.map((limit) => ({ ...limit, capacity: 2 * limit.capacity })));
    expect(await capacities(name)).toEqual([10, 10, 10, 10]);
    for (const user of USERS) {
      expect((await theirs.for({ user }).stats()).calls).toMatchObject({ capacity: 10, used: 4 });
    }
    expect(theirs.get("calls").capacity).toBe(10);
    await expect(mine.redefine([new CallLimit({ capacity: 1, windowMs: 1 })])).rejects.toThrow(
      InvalidLimitError,
    );
    await expect(mine.redefine([])).rejects.toThrow(InvalidLimitError);
    expect(await capacities(name)).toEqual([10, 10, 10, 10]);
  });

  test("where a process dies between two slots, the next that meets the new limits brings the others there", async () => {
    const name = newName();
    const limits = open(name);
    const views = USERS.map((user) => limits.for({ user }));
    for (const view of views) await view.tryAcquire({ call_count: 4, slots: 0 });
    const dying = firstPart(name);
    await dying.redefine([calls(9), slots(2)], { inherit: "fresh", version: 3 });
    expect(await capacities(name)).toEqual([9, 5, 5, 5]);
    for (const view of views) await view.tryAcquire({ call_count: 0, slots: 1 });
    await expect.poll(() => capacities(name)).toEqual([9, 9, 9, 9]);
    // What it had said of the state holds in all of them.
    for (const view of views) expect((await view.stats()).calls.used).toBe(0);
    await dying.close();
  });

  test("processes that redefine the set are killed at random, and no slot keeps other limits than the others", async () => {
    const name = newName();
    const limits = open(name, { limits: [calls(1000)] });
    for (const user of USERS) await limits.for({ user }).tryAcquire({ call_count: 7 });
    for (let deaths = 0; deaths < 5; deaths++) {
      const child = fork(new URL("./spread-redefiner.js", import.meta.url), [
        `${server.port}`,
        name,
        `${SLOTS}`,
      ]);
      await once(child, "message");
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
      child.kill("SIGKILL");
      await once(child, "exit");
      for (const user of USERS) await limits.for({ user }).stats();
      await expect.poll(async () => new Set(await capacities(name)).size).toBe(1);
    }
    for (const user of USERS) expect((await limits.for({ user }).stats())["calls"].used).toBe(7);
  });

  test("another redefinition comes after one that was left", async () => {
    const name = newName();
    const limits = open(name);
    for (const user of USERS) await limits.for({ user }).tryAcquire();
    const dying = firstPart(name);
    await dying.redefine([calls(9), slots(2)]);
    await limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: limit.capacity + 1 })));
    expect(await capacities(name)).toEqual([10, 10, 10, 10]);
    await dying.close();
  });

  test("of two versions the higher counts in all slots", async () => {
    const name = newName();
    const old = open(name, { version: 1 });
    for (const user of USERS) await old.for({ user }).tryAcquire();
    const next = open(name, { client: two, version: 2, limits: [calls(7), slots(1)] });
    await next.for({ user: "user 0" }).tryAcquire();
    await expect.poll(() => capacities(name)).toEqual([7, 7, 7, 7]);
    for (const user of USERS) {
      expect((await old.for({ user }).stats()).calls.capacity).toBe(7);
      expect((await next.for({ user }).stats()).calls.capacity).toBe(7);
    }
  });

  test("of one version the limits of the first slot count in all, and one warning tells of it", async () => {
    const name = newName();
    const warnings: unknown[] = [];
    const first = open(name);
    for (const user of USERS) await first.for({ user }).tryAcquire();
    const onWarning = (warning: unknown) => warnings.push(warning);
    const later = open(name, { client: two, limits: [calls(7), slots(1)], onWarning });
    for (const user of USERS) await later.for({ user }).tryAcquire();
    await expect.poll(() => capacities(name)).toEqual([7, 7, 7, 7]);
    for (const user of USERS) await first.for({ user }).tryAcquire();
    await expect.poll(() => capacities(name)).toEqual([7, 7, 7, 7]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toBeInstanceOf(SameVersionWarning);
  });

  test("a pause, its end and a reset are about all slots; totals are those of all, and cost one call", async () => {
    const name = newName();
    const [mine, theirs] = [open(name), open(name, { client: two })];
    for (const user of USERS) await mine.for({ user }).tryAcquire({ call_count: 3, slots: 0 });
    await theirs.pause(Number.POSITIVE_INFINITY, ["calls"]);
    for (const user of USERS) expect((await mine.for({ user }).peek()).limitedBy).toEqual(["calls"]);
    await theirs.resume();
    await theirs.reset();
    for (const user of USERS)
      expect((await mine.for({ user }).stats()).calls).toMatchObject({ used: 0, granted: USERS.length });
    expect((await mine.stats()).calls).toMatchObject({ granted: USERS.length, available: 5 });
    for (const change of [
      () => mine.charge({ call_count: 1 }),
      () => mine.lower({ calls: 1 }),
      () => mine.acquire(),
    ]) {
      await expect(change()).rejects.toThrow('"user"');
    }
  });

  test("a view that names another user takes from that user's slot", async () => {
    const limits = open(newName());
    const alice = limits.for({ user: "alice" });
    for (const user of USERS) {
      await limits.for({ user }).tryAcquire({ call_count: 5, slots: 0 });
      expect((await alice.for({ user }).tryAcquire()).limitedBy).toEqual(["calls"]);
    }
    expect(limits.for({})).toBe(limits);
    expect((await limits.for({ user: null }).tryAcquire({ call_count: 9 })).requested).toEqual({});
  });

  test("it can be served over a port", async () => {
    const limits = open(newName());
    const { port1, port2 } = new MessageChannel();
    const service = serveLimits(limits, port2);
    onTestFinished(() => {
      service.stop();
      port1.close();
    });
    const peer = connectLimits(port1) as unknown as Limits<"slots" | "call_count", string>;
    for (const user of USERS.slice(0, 6)) {
      expect((await peer.for({ user }).tryAcquire()).successful).toBe(true);
      expect((await limits.for({ user }).tryAcquire()).limitedBy).toEqual(["slots"]);
    }
    expect((await peer.stats())["slots"]?.granted).toBe(6);
  });

  test("limits and options that make no sense are errors", () => {
    expect(() =>
      open("x", { limits: [calls(5), new RateLimit({ key: "all", capacity: 5, windowMs: 1 })] }),
    ).toThrow(/per of "all" must be "user"/);
    for (const options of [
      { slots: 0 },
      { slots: 1025 },
      { slts: 4 },
      { limits: [] },
      { name: "" },
      { name: "a}b" },
    ]) {
      expect(() => open("x", options)).toThrow(InvalidLimitError);
    }
    expect(() => open("x", { client: {} })).toThrow(InvalidRequestError);
  });

  test("while the server is away requests are refused, or let pass if the set says so", async () => {
    const away = await serverFor();
    const client = new Redis(away.port, "127.0.0.1", { retryStrategy: () => 50, maxRetriesPerRequest: 0 });
    client.on("error", () => {});
    onTestFinished(() => client.disconnect());
    const limits = open("away", { client, deadlineMs: 200 });
    await away.stop();
    await expect(limits.for({ user: "alice" }).tryAcquire()).rejects.toThrow(BackendUnavailableError);
    const lenient = open("away too", { client, deadlineMs: 200, whenAway: "allow" });
    expect((await lenient.for({ user: "alice" }).tryAcquire()).successful).toBe(true);
    await limits.close();
    await expect(limits.for({ user: "alice" }).acquire()).rejects.toThrow(LimitSetClosedError);
  });
});
