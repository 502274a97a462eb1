import { expect } from "vitest";
import { InvalidRequestError } from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { ALGORITHMS, calls, failure, micro, rate, resource, states, take, used, watch } from "../tools.ts";

const WINDOWS = ["sliding-window", "fixed-window"] as const;

export const changing: Theme = ({ it }) => {
  it("nothing that takes of a paused limit passes, and all else does", ["changes"], async (create) => {
    const { limits, clock, settle } = await create([rate("tokens", 100, 1000), rate("bytes", 100, 1000)]);
    await limits.pause(1000, ["tokens"]);
    const tried = await limits.tryAcquire({ tokens: 1, bytes: 1 });
    expect(tried).toMatchObject({ successful: false, limitedBy: ["tokens"], retryAfterMs: 1000 });
    expect((await limits.stats()).tokens).toMatchObject({ available: 100, retryAfterMs: 1000 });
    expect(await limits.peek({ tokens: 100 })).toMatchObject({ successful: false, retryAfterMs: 1000 });
    await take(limits, { bytes: 100 });
    await clock.advance(999);
    const waiter = watch(limits.acquire({ tokens: 1 }));
    await settle();
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.state).toBe("granted");
  });

  it("a pause without keys is one of all limits, with the automatic amounts", ["changes"], async (create) => {
    const { limits } = await create([calls(10, 1000), resource("db", 2), rate("tokens", 100, 1000)]);
    await limits.pause(500);
    const tried = await limits.tryAcquire({ tokens: 1 });
    expect(tried).toMatchObject({ retryAfterMs: 500, limitedBy: ["call_count", "db", "tokens"] });
    await limits.resume(["tokens", "db"]);
    expect((await limits.tryAcquire({ tokens: 1 })).limitedBy).toEqual(["call_count"]);
    expect((await limits.tryAcquire({ tokens: 1, call_count: 0 })).successful).toBe(true);
  });

  it("nested requests do not pass a pause", ["changes"], async (create) => {
    const { limits, clock, settle } = await create([resource("db", 2), rate("tokens", 100, 1000)]);
    const outer = await take(limits, { db: 1, tokens: 0 });
    await limits.pause(100, ["tokens"]);
    const inner = watch(outer.acquire({ tokens: 1 }));
    await settle();
    expect(inner.state).toBe("pending");
    await clock.advance(100);
    expect(inner.state).toBe("granted");
  });

  it("a later pause never shortens one", ["changes"], async (create) => {
    const { limits } = await create([rate("x", 10, 1000)]);
    await limits.pause(1000);
    await limits.pause(10, ["x"]);
    await limits.pause(0);
    expect((await limits.stats()).x.retryAfterMs).toBe(1000);
    await limits.pause(2000);
    expect((await limits.stats()).x.retryAfterMs).toBe(2000);
  });

  it("a pause of Infinity lasts until resume, which lets waiters go at once", ["changes"], async (create) => {
    const { limits, clock, settle } = await create([rate("x", 10, 1000)]);
    await limits.pause(Number.POSITIVE_INFINITY, ["x"]);
    expect((await limits.tryAcquire({ x: 1 })).retryAfterMs).toBe(Number.POSITIVE_INFINITY);
    const waiters = [watch(limits.acquire({ x: 10 })), watch(limits.acquire({ x: 1 }))];
    await clock.advance(10_000_000);
    expect(states(waiters)).toEqual(["pending", "pending"]);
    await limits.resume();
    await settle();
    expect(states(waiters)).toEqual(["granted", "pending"]);
    await clock.advance(100);
    expect(states(waiters)).toEqual(["granted", "granted"]);
  });

  for (const algorithm of ALGORITHMS) {
    it(`${algorithm}: retryAfterMs counts a pause together with the use`, ["changes"], async (create) => {
      const { limits, clock } = await create([rate("x", 10, 1000, { algorithm })]);
      await take(limits, { x: 10 });
      await limits.pause(50);
      const short = (await limits.tryAcquire({ x: 10 })).retryAfterMs;
      expect(short).toBe(1000);
      await limits.pause(2500);
      expect((await limits.tryAcquire({ x: 10 })).retryAfterMs).toBe(2500);
      await clock.set(START + 2499.999);
      expect((await limits.tryAcquire({ x: 10 })).successful).toBe(false);
      await clock.set(START + 2500);
      expect((await limits.tryAcquire({ x: 10 })).successful).toBe(true);
    });

    it(
      `${algorithm}: waiters before a paused request count from the end of the pause`,
      ["changes"],
      async (create) => {
        const { limits, clock, settle } = await create([rate("x", 2, 2000, { algorithm })]);
        await limits.pause(10_000);
        const waiters = [watch(limits.acquire({ x: 2 })), watch(limits.acquire({ x: 2 }))];
        await settle();
        const { retryAfterMs, ahead } = await limits.tryAcquire({ x: 2 });
        expect([micro(retryAfterMs), ahead]).toEqual([14_000, 2]);
        await clock.advance(10_000);
        expect(states(waiters)).toEqual(["granted", "pending"]);
        await clock.advance(2000);
        expect(states(waiters)).toEqual(["granted", "granted"]);
        await clock.advance(1999.999);
        expect((await limits.tryAcquire({ x: 2 })).successful).toBe(false);
        await clock.advance(0.001);
        expect((await limits.tryAcquire({ x: 2 })).successful).toBe(true);
      },
    );

    it(`${algorithm}: a charge counts at once, below nothing if need be`, ["changes"], async (create) => {
      const { limits, clock } = await create([rate("tokens", 1000, 10_000, { algorithm })]);
      await take(limits, { tokens: 900 });
      await limits.charge({ tokens: 500 });
      expect((await limits.stats()).tokens).toMatchObject({ available: -400, used: 1400, charged: 500 });
      await clock.advance(10_000);
      const left = algorithm === "sliding-window" || algorithm === "fixed-window" ? 1000 : 600;
      expect((await limits.stats()).tokens.available).toBe(left);
    });

    it(`${algorithm}: lower leaves at most so much, and never raises`, ["changes"], async (create) => {
      const { limits } = await create([rate("tokens", 100, 1000, { algorithm })]);
      await take(limits, { tokens: 20 });
      await limits.lower({ tokens: 30 });
      expect((await limits.stats()).tokens).toMatchObject({ available: 30, charged: 0 });
      await limits.lower({ tokens: 80 });
      await limits.lower({ tokens: 1000 });
      expect((await limits.stats()).tokens.available).toBe(30);
      await limits.lower({ tokens: 0 });
      expect((await limits.stats()).tokens.available).toBe(0);
    });

    it(
      `${algorithm}: reset makes the limit as if never used, for waiters at once`,
      ["changes"],
      async (create) => {
        const { limits, clock, settle } = await create([rate("x", 10, 1000, { algorithm })]);
        await take(limits, { x: 10 });
        await limits.charge({ x: 100 });
        const waiters = [watch(limits.acquire({ x: 10 })), watch(limits.acquire({ x: 1 }))];
        await settle();
        expect(states(waiters)).toEqual(["pending", "pending"]);
        await limits.reset(["x"]);
        await settle();
        expect(states(waiters)).toEqual(["granted", "pending"]);
        await clock.advance(1);
        await limits.reset();
        await settle();
        expect(states(waiters)).toEqual(["granted", "granted"]);
        expect((await limits.stats()).x).toMatchObject({ used: 1, charged: 100, granted: 3 });
        await clock.advance(1000);
        expect((await limits.stats()).x).toMatchObject({ used: 0, fullInMs: 0 });
      },
    );
  }

  it("lower adds no more than the difference of a part of a unit", ["changes"], async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    await clock.advance(150);
    await limits.lower({ x: 1 });
    expect((await limits.stats()).x.available).toBe(1);
    // The half of a unit that had leaked out is gone: the tenth part of a second passes until the next.
    expect(micro((await limits.tryAcquire({ x: 2 })).retryAfterMs)).toBe(100);
  });

  for (const algorithm of ["token-bucket", "gcra"] as const) {
    it(`${algorithm}: open acquisitions still refund after lower`, ["changes"], async (create) => {
      const { limits, settle } = await create([rate("x", 100, 1000, { algorithm })]);
      const acq = await take(limits, { x: 20 });
      await limits.lower({ x: 30 });
      acq.update({ x: 5 });
      acq.release();
      await settle();
      expect((await limits.stats()).x.available).toBe(45);
    });

    it(`${algorithm}: acquisitions from before a reset give nothing back`, ["changes"], async (create) => {
      const { limits, settle } = await create([rate("x", 100, 1000, { algorithm }), rate("y", 100, 1000)]);
      const before = await take(limits, { x: 60, y: 60 });
      await limits.reset(["x"]);
      // All in one moment.
      const after = await take(limits, { x: 50, y: 30 });
      before.update({ x: 0, y: 0 });
      before.release();
      await settle();
      expect(await used(limits)).toEqual({ x: 50, y: 30 });
      after.update({ x: 10, y: 10 });
      after.release();
      await settle();
      expect(await used(limits)).toEqual({ x: 10, y: 10 });
      await limits.reset();
      expect(micro((await limits.peek({ x: 100, y: 100 })).retryAfterMs)).toBe(0);
    });
  }

  it("a reset takes no time", ["changes"], async (create) => {
    const { limits } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    await limits.reset();
    await take(limits, { x: 10 });
    expect((await limits.tryAcquire({ x: 1 })).retryAfterMs).toBe(100);
  });

  it("resources in use stay in use through a reset", ["changes"], async (create) => {
    const { limits, settle } = await create([resource("db", 3)]);
    const acq = await take(limits, { db: 2 });
    await limits.reset();
    expect((await limits.stats()).db.used).toBe(2);
    acq.release();
    await settle();
    expect((await limits.stats()).db.used).toBe(0);
  });

  it("a reset does not end a pause", ["changes"], async (create) => {
    const { limits } = await create([rate("x", 10, 1000)]);
    await limits.pause(700);
    await limits.reset();
    expect((await limits.tryAcquire({ x: 1 })).retryAfterMs).toBe(700);
  });

  for (const algorithm of WINDOWS) {
    it(`${algorithm}: what is charged ends with its window`, ["changes"], async (create) => {
      const { limits, clock } = await create([rate("x", 10, 1000, { algorithm })]);
      await clock.advance(400);
      await limits.charge({ x: 25 });
      const retryAfterMs = algorithm === "sliding-window" ? 1000 : 600;
      expect((await limits.stats()).x).toMatchObject({
        available: -15,
        retryAfterMs,
        fullInMs: retryAfterMs,
      });
    });
  }

  it("a charge of several limits is one of all or none", ["changes"], async (create) => {
    const { limits } = await create([rate("a", 10, 1000), rate("b", 10, 1000), resource("db", 1)]);
    await limits.charge({ a: 4, b: 0 });
    await limits.charge({});
    expect(await failure(() => limits.charge({ a: 1, db: 1 }))).toBeInstanceOf(InvalidRequestError);
    expect(await failure(() => limits.lower({ a: 1, db: 1 }))).toBeInstanceOf(InvalidRequestError);
    expect(await used(limits)).toEqual({ a: 4, b: 0, db: 0 });
  });

  it(
    "amounts that are none, and keys of no limit, are errors that change nothing",
    ["changes"],
    async (create) => {
      const { limits } = await create([rate("x", 1, 1000, { unit: 0.1 })]);
      const change = limits as unknown as Record<string, (...args: unknown[]) => unknown>;
      for (const amounts of [
        { x: -1 },
        { x: Number.NaN },
        { x: 0.15 },
        { x: "1" },
        { x: 0.5, y: 1 },
        [1],
        5,
        null,
      ]) {
        for (const verb of ["charge", "lower"]) {
          const error = await failure(() => change[verb]!(amounts));
          expect(error, `${verb} ${JSON.stringify(amounts)}`).toBeInstanceOf(InvalidRequestError);
        }
      }
      for (const [ms, keys] of [[-1], [Number.NaN], ["1"], [undefined], [1, ["y"]], [1, "x"], [1, [0]]]) {
        expect(await failure(() => change["pause"]!(ms, keys))).toBeInstanceOf(InvalidRequestError);
      }
      for (const verb of ["resume", "reset"]) {
        expect(await failure(() => change[verb]!(["y"]))).toBeInstanceOf(InvalidRequestError);
      }
      expect((await limits.stats()).x).toMatchObject({ used: 0, retryAfterMs: 0 });
      await limits.charge({ x: 0.3 });
      expect((await limits.stats()).x).toMatchObject({ used: 0.3, charged: 0.3 });
    },
  );

  it("an error names the key and its value", ["changes"], async (create) => {
    const { limits } = await create([rate("tokens", 10, 1000), resource("db", 1)]);
    expect((await failure(() => limits.charge({ tokens: -5 }))).message).toMatch(/"tokens".*-5/);
    expect((await failure(() => limits.lower({ db: 1 }))).message).toMatch(/"db" is a resource/);
    expect((await failure(() => limits.pause(5, ["tokns"] as never))).message).toMatch(/"tokns".*"tokens"/);
  });

  it("amounts that are undefined are as if not named, and no keys are none", ["changes"], async (create) => {
    const { limits } = await create([rate("x", 10, 1000)]);
    await limits.charge({ x: undefined });
    await limits.lower({ x: undefined });
    await limits.pause(100, []);
    expect((await limits.stats()).x).toMatchObject({ used: 0, retryAfterMs: 0 });
  });
};
