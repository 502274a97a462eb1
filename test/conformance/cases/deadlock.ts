import { expect } from "vitest";
import { type Acquisition, DeadlockError, type LimitError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure, rate, resource, type Watched, watch } from "../tools.ts";

const LIMITS = [resource("db", 2), resource("slots", 5), rate("tokens", 10, 60_000)] as const;
const NEEDS = ["warnings"] as const;

export const deadlock: Theme = ({ it }) => {
  it(
    "run in the body of run, for a resource that the body holds to the full, is reported once and goes on waiting",
    NEEDS,
    async (create) => {
      const warnings: LimitError[] = [];
      const { limits, settle } = await create([resource("db", 1)], {
        onWarning: (each) => warnings.push(each),
      });
      let inner: Watched<string> | undefined;
      await limits.run({ db: 1 }, async () => {
        inner = watch(limits.run({ db: 1 }, () => "inner"));
        await settle();
        expect(inner.state).toBe("pending");
        expect(warnings).toHaveLength(1);
      });
      await settle();
      expect(inner?.value).toBe("inner");
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toBeInstanceOf(DeadlockError);
      expect(warnings[0]?.code).toBe("ERR_DEADLOCK");
      expect(warnings[0]?.message).toContain(
        'a request of 1 of "db" waits for the run() around it, which has 1 of "db"',
      );
    },
  );

  it(
    "acquire in the body of run is reported if it and the bodies around it want more of a resource than there is",
    NEEDS,
    async (create) => {
      const warnings: LimitError[] = [];
      const { limits, settle } = await create(LIMITS, { onWarning: (each) => warnings.push(each) });
      let asked: Watched<Acquisition> | undefined;
      await limits.run({ slots: 2 }, () =>
        limits.run({ slots: 2, db: 0 }, async () => {
          (await limits.acquire({ slots: 1, db: 1 })).release();
          expect(warnings).toEqual([]);
          asked = watch(limits.acquire({ slots: 3, db: 1 }));
          await settle();
        }),
      );
      await settle();
      expect(asked?.value.requested).toEqual({ slots: 3, db: 1 });
      expect(warnings.map(({ message }) => message)).toEqual([
        expect.stringContaining(
          'a request of 1 of "db", 3 of "slots" waits for the run() around it, which has 1 of "db", 4 of "slots"',
        ),
      ]);
    },
  );

  it(
    "a nested request in the body of run is reported if it names what the body holds to the full",
    NEEDS,
    async (create) => {
      const warnings: LimitError[] = [];
      const { limits, settle } = await create([resource("db", 1)], {
        onWarning: (each) => warnings.push(each),
      });
      let named: Watched<Acquisition> | undefined;
      await limits.run({ db: 1 }, async (acquisition) => {
        (await acquisition.acquire()).release();
        expect(warnings).toEqual([]);
        named = watch(acquisition.acquire({ db: 1 }));
        await settle();
      });
      await settle();
      expect(named?.state).toBe("granted");
      expect(warnings).toHaveLength(1);
    },
  );

  it("a request that does not wait for its own caller is not reported", NEEDS, async (create) => {
    const warnings: LimitError[] = [];
    const onWarning = (each: LimitError) => warnings.push(each);
    const { limits, settle } = await create(LIMITS, { onWarning });
    const another = await create([resource("db", 2)], { onWarning });
    const free = { db: 0, slots: 0 };
    const begun = limits.run({ db: 2, slots: 0, tokens: 10 }, async (acquisition) => {
      await acquisition.update({ tokens: 10 });
      // Tries do not wait, and another set has resources of its own.
      expect((await limits.tryAcquire({ db: 1 })).successful).toBe(false);
      await failure(() => limits.acquire({ db: 1 }, { timeoutMs: 0 }));
      (await another.limits.acquire({ db: 2 })).release();
      (await limits.acquire({ ...free, slots: 5 })).release();
      // A rate comes back by itself.
      await failure(() => limits.acquire({ ...free, tokens: 1 }, { timeoutMs: 0 }));
      await settle();
      await acquisition.release();
      const after = await limits.acquire({ db: 1, slots: 0 });
      await after.release();
    });
    // This code is in no body.
    const meanwhile = watch(limits.acquire({ db: 1, slots: 0 }));
    await begun;
    await settle();
    meanwhile.value.release();
    expect(warnings).toEqual([]);
  });
};
