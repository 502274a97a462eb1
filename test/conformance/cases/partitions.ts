import { expect } from "vitest";
import {
  CallLimit,
  InvalidLimitError,
  InvalidRequestError,
  RateLimit,
  ResourceLimit,
} from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure, take, watch } from "../tools.ts";

const NEEDS = ["partitions"] as const;

/** Ten calls a second for all, two for each user. */
const CALLS = [
  new CallLimit({ key: "all", capacity: 10, windowMs: 1000 }),
  new CallLimit({ key: "each", capacity: 2, windowMs: 1000, per: "user" }),
];

const tokensEach = new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000, per: "user" });

export const partitions: Theme = ({ it }) => {
  it(
    "each user has a state of the limit, and all have one of the other, all or nothing",
    NEEDS,
    async (create) => {
      const { limits } = await create(CALLS);
      const of = (user: string) => limits.for({ user });
      await take(of("alice"));
      await take(of("alice"));
      expect(await of("alice").tryAcquire()).toMatchObject({ successful: false, limitedBy: ["each"] });
      expect((await limits.stats()).all.available).toBe(8);
      for (const user of ["bob", "carol", "dave", "eve"]) {
        await take(of(user));
        await take(of(user));
      }
      expect(await of("frank").tryAcquire()).toMatchObject({ successful: false, limitedBy: ["all"] });
      expect((await of("frank").stats()).each.available).toBe(2);
      expect((await of("bob").stats()).each.available).toBe(0);
      expect((await limits.stats()).each).toMatchObject({ available: 2, granted: 10 });
    },
  );

  it("a resource is counted for each user, and a release is one of its user", NEEDS, async (create) => {
    const { limits } = await create([
      new ResourceLimit({ key: "all", capacity: 3 }),
      new ResourceLimit({ key: "each", capacity: 2, per: "user" }),
    ]);
    const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
    const held = await take(alice);
    await take(alice);
    expect((await alice.tryAcquire()).limitedBy).toEqual(["each"]);
    await take(bob);
    expect((await bob.tryAcquire()).limitedBy).toEqual(["all"]);
    await held.release();
    expect((await alice.stats()).each.used).toBe(1);
    expect((await bob.stats()).each.used).toBe(1);
    await take(alice);
  });

  it("what is not used goes back to its user", NEEDS, async (create) => {
    const { limits } = await create([tokensEach]);
    const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
    const taken = await take(alice, { tokens: 10 });
    await take(bob, { tokens: 10 });
    await taken.update({ tokens: 4 });
    await taken.release();
    expect((await alice.stats()).tokens.available).toBe(6);
    expect((await bob.stats()).tokens.available).toBe(0);
  });

  it(
    "null leaves the limits of a dimension out, and metrics without limits take nothing",
    NEEDS,
    async (create) => {
      const { limits } = await create([...CALLS, tokensEach]);
      const nobody = limits.for({ user: null });
      const taken = await take(nobody, { tokens: 5 });
      expect(taken.requested).toEqual({ call_count: 1 });
      await taken.update({ tokens: 3 });
      await taken.release();
      await take(nobody, { call_count: 9 });
      expect((await nobody.tryAcquire()).limitedBy).toEqual(["all"]);
    },
  );

  it("a dimension that is not named is an error where something of it is taken", NEEDS, async (create) => {
    const { limits } = await create([...CALLS, new RateLimit({ key: "bytes", capacity: 5, windowMs: 1000 })]);
    for (const set of [limits, limits.for({})]) {
      for (const ask of [
        () => set.acquire({ bytes: 1 }),
        () => set.tryAcquire({ bytes: 1 }),
        () => set.peek({ bytes: 1 }),
      ]) {
        const error = await failure(ask);
        expect(error).toBeInstanceOf(InvalidRequestError);
        expect(error.message).toContain('"user"');
      }
    }
    await take(limits, { bytes: 1, call_count: 0 });
    expect((await limits.stats()).bytes.available).toBe(4);
    expect((await limits.stats()).all.available).toBe(10);
  });

  it("for({}) is the set, and a view names more", NEEDS, async (create) => {
    const { limits } = await create([
      ...CALLS,
      new ResourceLimit({ key: "slots", capacity: 1, per: "address" }),
    ]);
    expect(limits.for({})).toBe(limits);
    const alice = limits.for({ user: "alice" });
    expect(alice.for({})).toBe(alice);
    expect(alice.for({ user: undefined })).toBe(alice);
    expect((await failure(() => alice.tryAcquire())).message).toContain('"address"');
    await take(alice.for({ address: "here" }));
    expect((await limits.for({ user: "bob", address: "here" }).tryAcquire()).limitedBy).toEqual(["slots"]);
    await take(alice.for({ address: null }));
  });

  it("unknown dimensions and tiers, and names that are none, are errors", NEEDS, async (create) => {
    const { limits } = await create([
      new CallLimit({ capacity: 2, windowMs: 1000, per: "user", tiers: { pro: { capacity: 5 } } }),
    ]);
    const wrong: readonly (readonly [names: object, options: object, said: string])[] = [
      [{ usr: "alice" }, {}, '"usr"'],
      [{ user: 5 }, {}, "got 5"],
      [{ user: "alice" }, { tier: "prp" }, '"prp"'],
      [{ user: "alice" }, { tyer: "pro" }, "tyer"],
      [["alice"], {}, "names by dimension"],
    ];
    for (const [names, options, said] of wrong) {
      const error = await failure(async () => limits.for(names as never, options));
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error.message).toContain(said);
    }
  });

  it("a view can be neither closed nor redefined", NEEDS, async (create) => {
    const { limits } = await create(CALLS);
    const alice = limits.for({ user: "alice" });
    expect(await failure(() => alice.close())).toBeInstanceOf(InvalidRequestError);
    expect(await failure(() => alice.redefine(CALLS))).toBeInstanceOf(InvalidRequestError);
    await take(alice);
  });

  it("all strings are names", NEEDS, async (create) => {
    const { limits } = await create([new CallLimit({ capacity: 1, windowMs: 1000, per: "user" })]);
    const long = "x".repeat(2 ** 20);
    const names = ["", "__proto__", "constructor", " ", "\ud800", "\ud801", "\ufffd", long, `${long}y`, "0"];
    for (const user of names) await take(limits.for({ user }));
    for (const user of names) {
      expect((await limits.for({ user }).tryAcquire()).successful).toBe(false);
    }
  });

  it("several dimensions are taken from at once", NEEDS, async (create) => {
    const { limits } = await create([
      new CallLimit({ key: "by_user", capacity: 2, windowMs: 1000, per: "user" }),
      new CallLimit({ key: "by_address", capacity: 3, windowMs: 1000, per: "address" }),
    ]);
    const from = (user: string, address: string) => limits.for({ user, address });
    await take(from("alice", "home"));
    await take(from("alice", "home"));
    expect((await from("alice", "work").tryAcquire()).limitedBy).toEqual(["by_user"]);
    await take(from("bob", "home"));
    expect((await from("bob", "home").tryAcquire()).limitedBy).toEqual(["by_address"]);
    await take(from("bob", "work"));
    expect((await from("carol", "work").stats()).by_address.available).toBe(2);
  });

  it("a tier has its own definition, and a change of tier keeps what is used", NEEDS, async (create) => {
    const { limits } = await create([
      new RateLimit({
        key: "tokens",
        capacity: 10,
        windowMs: 1000,
        per: "user",
        tiers: { pro: { capacity: 100 } },
      }),
    ]);
    const free = limits.for({ user: "alice" });
    const pro = limits.for({ user: "alice" }, { tier: "pro" });
    await take(free, { tokens: 5 });
    expect(await failure(() => free.tryAcquire({ tokens: 11 }))).toBeInstanceOf(InvalidRequestError);
    await take(pro, { tokens: 20 });
    expect((await pro.stats()).tokens).toMatchObject({ capacity: 100, available: 75, used: 25 });
    expect(pro.get("tokens").capacity).toBe(100);
  });

  it("waiters are served by the partition that they wait for", NEEDS, async (create) => {
    const { limits, clock, settle } = await create([
      new ResourceLimit({ key: "slots", capacity: 1, per: "user" }),
    ]);
    const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
    const [held, other] = [await take(alice), await take(bob)];
    const waiters = [watch(bob.acquire()), watch(alice.acquire()), watch(alice.acquire())];
    await settle();
    expect((await alice.stats()).slots.waiting).toBe(2);
    expect((await limits.stats()).slots.waiting).toBe(3);
    expect([alice.waiting, limits.waiting]).toEqual([3, 3]);
    expect(await alice.tryAcquire()).toMatchObject({ ahead: 2 });
    await held.release();
    await clock.advance(0);
    expect(waiters.map(({ state }) => state)).toEqual(["pending", "granted", "pending"]);
    await other.release();
    await clock.advance(0);
    expect(waiters.map(({ state }) => state)).toEqual(["granted", "granted", "pending"]);
  });

  it("a waiter of one user delays no other user", NEEDS, async (create) => {
    const { limits, clock, settle } = await create([
      new RateLimit({ key: "all", counts: "tokens", capacity: 100, windowMs: 1000 }),
      new RateLimit({ key: "each", counts: "tokens", capacity: 10, windowMs: 1000, per: "user" }),
    ]);
    const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
    await take(alice, { tokens: 10 });
    const waiter = watch(alice.acquire({ tokens: 5 }));
    await settle();
    await take(bob, { tokens: 10 });
    expect(await alice.tryAcquire({ tokens: 1 })).toMatchObject({ limitedBy: ["each"], ahead: 1 });
    await clock.advance(499);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.state).toBe("granted");
  });

  it("a timeout names the limits of the partition", NEEDS, async (create) => {
    const { limits, clock } = await create([tokensEach]);
    const alice = limits.for({ user: "alice" });
    await take(alice, { tokens: 10 });
    const waiter = watch(alice.acquire({ tokens: 5 }, { timeoutMs: 100 }));
    await clock.advance(100);
    expect(waiter.reason).toMatchObject({ limitedBy: ["tokens"], retryAfterMs: 400 });
  });

  it("pause, charge, lower and reset of a view are about its partitions", NEEDS, async (create) => {
    const { limits } = await create([
      new RateLimit({ key: "all", counts: "tokens", capacity: 100, windowMs: 1000 }),
      new RateLimit({ key: "each", counts: "tokens", capacity: 10, windowMs: 1000, per: "user" }),
    ]);
    const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
    await alice.pause(500);
    expect(await alice.tryAcquire({ tokens: 1 })).toMatchObject({ limitedBy: ["each"], retryAfterMs: 500 });
    await take(bob, { tokens: 1 });
    await alice.resume();
    await alice.charge({ tokens: 4 });
    expect((await alice.stats()).each.available).toBe(6);
    expect((await limits.stats()).all.available).toBe(95);
    await alice.lower({ each: 3 });
    expect((await alice.stats()).each.available).toBe(3);
    await alice.reset();
    expect((await alice.stats()).each.available).toBe(10);
    expect((await bob.stats()).each.available).toBe(9);
    expect((await limits.stats()).all.available).toBe(95);
    await alice.reset(["all"]);
    expect((await limits.stats()).all.available).toBe(100);
    for (const change of [() => limits.charge({ tokens: 1 }), () => limits.lower({ each: 1 })]) {
      expect((await failure(change)).message).toContain('"user"');
    }
    expect(await failure(() => limits.for({ user: null }).pause(5, ["each"]))).toBeInstanceOf(
      InvalidRequestError,
    );
  });

  it("a reset and a pause of the set are about all partitions", NEEDS, async (create) => {
    const { limits } = await create([tokensEach]);
    const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
    await take(alice, { tokens: 10 });
    await take(bob, { tokens: 5 });
    await limits.reset(["tokens"]);
    expect((await alice.stats()).tokens.available).toBe(10);
    expect((await bob.stats()).tokens.available).toBe(10);
    await limits.pause(100, ["tokens"]);
    for (const user of ["alice", "bob", "carol"]) {
      expect(await limits.for({ user }).tryAcquire({ tokens: 1 })).toMatchObject({ retryAfterMs: 100 });
    }
    await limits.resume();
    await take(alice, { tokens: 1 });
  });

  it("beyond its bound new names share one state", NEEDS, async (create) => {
    const { limits, clock } = await create([tokensEach], { partitions: { user: { max: 3 } } });
    const of = (user: string) => limits.for({ user });
    for (const user of ["a", "b", "c"]) await take(of(user), { tokens: 5 });
    await take(of("d"), { tokens: 6 });
    expect((await of("e").tryAcquire({ tokens: 5 })).successful).toBe(false);
    await take(of("e"), { tokens: 4 });
    await take(of("a"), { tokens: 5 });
    // By now b and c have recovered, and the shared state has not.
    await clock.advance(600);
    expect((await of("f").stats()).tokens.available).toBe(6);
    await clock.advance(400);
    await take(of("f"), { tokens: 10 });
    await take(of("g"), { tokens: 10 });
  });

  it("beyond its bound new names are refused if the set says so", NEEDS, async (create) => {
    const { limits, clock } = await create([tokensEach], {
      partitions: { user: { max: 3, whenFull: "refuse" } },
    });
    for (const user of ["a", "b", "c"]) await take(limits.for({ user }), { tokens: 5 });
    const refused = await limits.for({ user: "d" }).tryAcquire({ tokens: 1 });
    expect(refused).toMatchObject({ successful: false, limitedBy: ["tokens"] });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    await take(limits.for({ user: "a" }), { tokens: 5 });
    await clock.advance(500);
    await take(limits.for({ user: "d" }), { tokens: 10 });
  });

  it("waiters of a shared state are served as it recovers", NEEDS, async (create) => {
    const { limits, clock, settle } = await create(
      [new ResourceLimit({ key: "slots", capacity: 1, per: "user" })],
      { partitions: { user: { max: 1 } } },
    );
    const of = (user: string) => limits.for({ user });
    const [kept, shared] = [await take(of("a")), await take(of("b"))];
    const waiters = [watch(of("c").acquire()), watch(of("d").acquire())];
    await settle();
    await shared.release();
    await clock.advance(0);
    expect(waiters.map(({ state }) => state)).toEqual(["granted", "pending"]);
    await kept.release();
    await waiters[0]!.value!.release();
    await clock.advance(0);
    expect(waiters[1]!.state).toBe("granted");
  });

  it("with fairBy partitions are served in turn at a limit of all", NEEDS, async (create) => {
    const { limits, clock, settle } = await create(
      [
        new RateLimit({ key: "all", counts: "tokens", capacity: 1, windowMs: 1000 }),
        new RateLimit({ key: "each", counts: "tokens", capacity: 100, windowMs: 1000, per: "user" }),
      ],
      { fairBy: "user" },
    );
    const order: string[] = [];
    const ask = (user: string) =>
      void limits
        .for({ user })
        .acquire({ tokens: 1 })
        .then((acquisition) => {
          order.push(user);
          acquisition.update({ tokens: 1 });
          return acquisition.release();
        });
    await take(limits.for({ user: "x" }), { tokens: 1 });
    for (let i = 0; i < 5; i++) ask("many");
    ask("few");
    await settle();
    for (let i = 0; i < 3; i++) await clock.advance(1000);
    ask("late");
    await settle();
    for (let i = 0; i < 4; i++) await clock.advance(1000);
    expect(order).toEqual(["many", "few", "many", "late", "many", "many", "many"]);
  });

  it("options about dimensions that no limit has are errors", NEEDS, async (create) => {
    for (const options of [
      { partitions: { usr: {} } },
      { partitions: { user: { max: 0 } } },
      { partitions: { user: { mx: 5 } } as never },
      { partitions: { user: { whenFull: "drop" as never } } },
      { fairBy: "usr" },
      { fairBy: "user", agingMs: 5 },
    ]) {
      expect(await failure(() => create([tokensEach], options))).toBeInstanceOf(InvalidLimitError);
    }
  });
};
