import { expect } from "vitest";
import {
  CallLimit,
  InvalidRequestError,
  type LimitLike,
  type Limits,
  RateLimit,
  ResourceLimit,
} from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure, states, take, watch } from "../tools.ts";

const NEEDS = ["partitions", "partitionsRedefined"] as const;

type Key = "address" | "all" | "calls" | "each" | "slots" | "tokens";

/** The set with the names of limits that it has later. */
function open(limits: unknown): Limits<Key> {
  return limits as Limits<Key>;
}

const tokens = (capacity: number, options: object = {}) =>
  new RateLimit({ key: "tokens", capacity, windowMs: 1000, per: "user", ...options });
const slots = (capacity: number) => new ResourceLimit({ key: "slots", capacity, per: "user" });

const MODES = [
  ["used", 140, 200],
  ["available", 40, 200],
  ["proportional", 80, 200],
  ["fresh", 200, 200],
] as const;

export const partitionsRedefined: Theme = ({ it }) => {
  it(
    "another capacity holds for each partition, and what is used of it stays used",
    NEEDS,
    async (create) => {
      const { limits, settle } = await create([tokens(10)]);
      const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
      await take(alice, { tokens: 8 });
      const waiter = watch(alice.acquire({ tokens: 5 }));
      await settle();
      await limits.redefine([tokens(100)]);
      await settle();
      expect(waiter.state).toBe("granted");
      expect((await alice.stats()).tokens).toMatchObject({ capacity: 100, used: 13, available: 87 });
      expect((await bob.stats()).tokens.available).toBe(100);
      await limits.redefine([tokens(20)]);
      expect((await alice.stats()).tokens.used).toBe(13);
      expect(await bob.tryAcquire({ tokens: 20 })).toMatchObject({ successful: true });
    },
  );

  for (const [inherit, used, unused] of MODES) {
    it(
      `with inherit "${inherit}" partitions carry over as limits of all do, and those that had recovered begin anew`,
      NEEDS,
      async (create) => {
        const { limits } = await create([tokens(100)]);
        await take(limits.for({ user: "alice" }), { tokens: 60 });
        await limits.redefine([tokens(200)], { inherit });
        expect((await limits.for({ user: "alice" }).stats()).tokens.available).toBe(used);
        expect((await limits.for({ user: "bob" }).stats()).tokens.available).toBe(unused);
      },
    );
  }

  it("limits of partitions come and go, in any order", NEEDS, async (create) => {
    const set = await create([
      new CallLimit({ key: "all", capacity: 10, windowMs: 1000 }),
      new CallLimit({ key: "each", capacity: 3, windowMs: 1000, per: "user" }),
    ]);
    const limits = open(set.limits);
    const alice = limits.for({ user: "alice" });
    await take(alice);
    const more: LimitLike<Key>[] = [
      new CallLimit({ key: "address", capacity: 2, windowMs: 1000, per: "address" }),
      new CallLimit({ key: "each", capacity: 3, windowMs: 1000, per: "user" }),
      slots(1),
      new CallLimit({ key: "all", capacity: 10, windowMs: 1000 }),
    ];
    await limits.redefine(more);
    expect((await failure(() => alice.tryAcquire())).message).toContain('"address"');
    const both = alice.for({ address: "here" });
    const held = await take(both);
    expect((await both.stats()).each.available).toBe(1);
    expect((await both.tryAcquire()).limitedBy).toEqual(["slots"]);
    await held.release();
    await take(limits.for({ user: "bob", address: "here" }));
    expect((await limits.for({ user: "carol", address: "here" }).tryAcquire()).limitedBy).toEqual([
      "address",
    ]);
    await limits.redefine(more.slice(1, 2));
    await take(both);
    expect((await alice.tryAcquire()).limitedBy).toEqual(["each"]);
    await limits.redefine([]);
    await take(both);
    await limits.redefine(more);
    expect((await both.stats()).each.available).toBe(3);
  });

  it(
    "a limit of all and one of partitions are two limits, though they have one key",
    NEEDS,
    async (create) => {
      const { limits } = await create([tokens(10)]);
      const alice = limits.for({ user: "alice" });
      const held = await take(alice, { tokens: 8 });
      await limits.redefine([tokens(10, { per: undefined })]);
      expect((await limits.stats()).tokens.available).toBe(10);
      await take(alice, { tokens: 5 });
      await held.update({ tokens: 0 });
      await held.release();
      expect((await limits.stats()).tokens.available).toBe(5);
      await limits.redefine([tokens(10)]);
      expect((await alice.stats()).tokens.available).toBe(10);
    },
  );

  it("another algorithm goes on with what is used of each partition", NEEDS, async (create) => {
    const { limits, clock } = await create([tokens(10)]);
    const alice = limits.for({ user: "alice" });
    await take(alice, { tokens: 6 });
    await limits.redefine([tokens(10, { algorithm: "sliding-window" })]);
    await clock.advance(999);
    expect((await alice.tryAcquire({ tokens: 5 })).retryAfterMs).toBe(1);
    await limits.redefine([tokens(10, { algorithm: "fixed-window" })]);
    expect((await alice.stats()).tokens.used).toBe(6);
    await clock.advance(1);
    await take(alice, { tokens: 10 });
  });

  it("acquisitions from before give back to their partitions", NEEDS, async (create) => {
    const { limits, settle } = await create([tokens(10), slots(2)]);
    const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
    const [held, other] = [await take(alice, { tokens: 8, slots: 2 }), await take(bob, { tokens: 5 })];
    const [waiter, nested] = [watch(alice.acquire({ tokens: 0 })), watch(held.acquire({ tokens: 6 }))];
    await settle();
    await limits.redefine([slots(2), tokens(12)]);
    await settle();
    expect(states([waiter, nested])).toEqual(["pending", "pending"]);
    await other.update({ tokens: 1 });
    await other.release();
    expect((await bob.stats()).tokens.available).toBe(11);
    await held.update({ tokens: 3 });
    await held.release();
    await settle();
    expect(states([waiter, nested])).toEqual(["granted", "granted"]);
    expect(nested.value.requested).toEqual({ tokens: 6 });
    expect((await alice.stats()).tokens.available).toBe(3);
    expect((await alice.stats()).slots.used).toBe(1);
  });

  it("waiters go on as the limits of their partitions come and go", NEEDS, async (create) => {
    const { limits, settle } = await create([slots(1), tokens(10)]);
    const of = (user: string) => limits.for({ user });
    await take(of("alice"), { tokens: 10 });
    const waiters = [
      watch(of("alice").acquire({ tokens: 0 })),
      watch(of("alice").acquire({ tokens: 6, slots: 0 })),
    ];
    await settle();
    await limits.redefine([tokens(10)]);
    await settle();
    expect(states(waiters)).toEqual(["granted", "pending"]);
    await limits.redefine([
      tokens(10),
      new CallLimit({ key: "calls", capacity: 5, windowMs: 1000, per: "address" }),
    ] as LimitLike[] as never);
    await settle();
    expect(states(waiters)).toEqual(["granted", "rejected"]);
    expect(waiters[1]!.reason).toBeInstanceOf(InvalidRequestError);
    expect(String(waiters[1]!.reason)).toContain('"address"');
  });

  it("tiers change, come and go, and a view that has one goes on", NEEDS, async (create) => {
    const { limits } = await create([
      tokens(10, { tiers: { free: { capacity: 5 }, pro: { capacity: 100 } } }),
    ]);
    const pro = limits.for({ user: "alice" }, { tier: "pro" });
    await take(pro, { tokens: 40 });
    await limits.redefine([tokens(10, { tiers: { pro: { capacity: 1000 } } })]);
    expect((await pro.stats()).tokens).toMatchObject({ capacity: 1000, used: 40 });
    expect(await failure(async () => limits.for({}, { tier: "free" }))).toBeInstanceOf(InvalidRequestError);
    await limits.redefine([tokens(50)]);
    expect((await pro.stats()).tokens).toMatchObject({ capacity: 50, used: 40 });
    await limits.redefine([tokens(10, { tiers: { pro: { capacity: 60 } } })]);
    await take(pro, { tokens: 20 });
  });

  it("the state that names share goes on", NEEDS, async (create) => {
    const { limits, clock } = await create([tokens(10), slots(5)], { partitions: { user: { max: 1 } } });
    const of = (user: string) => limits.for({ user });
    await take(of("a"), { tokens: 10 });
    const shared = await take(of("b"), { tokens: 9 });
    await limits.redefine([slots(5), tokens(10), new CallLimit({ capacity: 9, windowMs: 1000, per: "ip" })]);
    const at = (user: string) => of(user).for({ ip: null });
    expect((await at("c").tryAcquire({ tokens: 2 })).limitedBy).toEqual(["tokens"]);
    expect((await at("c").stats()).slots.used).toBe(1);
    await shared.update({ tokens: 9 });
    await shared.release();
    expect((await at("c").stats()).slots.used).toBe(0);
    await clock.advance(1000);
    await take(at("c"), { tokens: 10 });
  });

  it("a pause and a reset of all partitions go on", NEEDS, async (create) => {
    const { limits } = await create([tokens(10)]);
    const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
    await take(alice, { tokens: 5 });
    await limits.pause(100);
    await limits.redefine([tokens(20)]);
    expect((await alice.tryAcquire({ tokens: 1 })).retryAfterMs).toBe(100);
    expect((await bob.tryAcquire({ tokens: 1 })).retryAfterMs).toBe(100);
    await limits.resume();
    await limits.reset();
    await take(alice, { tokens: 20 });
  });

  it("partitions go on being served in turn", NEEDS, async (create) => {
    const all = new RateLimit({ key: "all", counts: "x", capacity: 1, windowMs: 1000 });
    const each = new RateLimit({ key: "each", counts: "x", capacity: 100, windowMs: 1000, per: "user" });
    const { limits, clock, settle } = await create([all, each], { fairBy: "user" });
    const order: string[] = [];
    const ask = (user: string) =>
      void limits
        .for({ user })
        .acquire({ x: 1 })
        .then((acquisition) => {
          order.push(user);
          acquisition.update({ x: 1 });
          return acquisition.release();
        });
    await take(limits.for({ user: "y" }), { x: 1 });
    for (let i = 0; i < 4; i++) ask("many");
    await settle();
    await limits.redefine([
      new RateLimit({ key: "address", capacity: 9, windowMs: 1000, per: "ip" }),
      each,
      all,
    ] as LimitLike[] as never);
    await limits.redefine([each, all]);
    ask("few");
    await settle();
    for (let i = 0; i < 5; i++) await clock.advance(1000);
    expect(order).toEqual(["many", "few", "many", "many", "many"]);
  });
};
