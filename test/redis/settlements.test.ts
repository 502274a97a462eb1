/** Settlements: many at once come in bounded batches, and are summed only where the sum settles exactly as its parts would. */
import fc from "fast-check";
import type { Redis } from "ioredis";
import { RateLimit, ResourceLimit } from "limitset";
import { type RedisAcquisition, RedisLimitSet } from "limitset/redis";
import { ManualClock } from "limitset/testing";
import { expect, onTestFinished, test } from "vitest";
import { Allowance, MOST_STEPS } from "../../src/redis/allowance.ts";
import { wholeCall } from "../../src/redis/call.ts";
import { Definitions } from "../../src/redis/definitions.ts";
import { nameOfScript, script } from "../../src/redis/script/index.ts";
import type { Session } from "../../src/redis/session.ts";
import { Settlements } from "../../src/redis/settlements.ts";
import { Totals } from "../../src/redis/totals.ts";
import { runs, TIMEOUT_MS } from "../property/settings.ts";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const sha = await nameOfScript();

const YEAR = 365 * 86_400_000;
const RELEASES = 100_000;

/** The calls of the script by one client: the operations of each. */
function callsOf(client: Redis): string[][] {
  const calls: string[][] = [];
  const evalsha = client.evalsha.bind(client) as (...args: unknown[]) => Promise<unknown>;
  client.evalsha = ((...args: unknown[]) => {
    calls.push(args.slice(14) as string[]);
    return evalsha(...args);
  }) as never;
  return calls;
}

/** The steps of an operation: one, and one for each limit that it names. */
const stepsOf = (operation: string) => 1 + (operation.match(/:/g)?.length ?? 0);
const settled = (calls: readonly string[][]) =>
  calls.flat().filter((operation) => operation.startsWith("S")).length;

/** Releases 100,000 acquisitions in one turn, checks that the calls have bounds and that the sums are right in the end. */
async function flooded(usage: (i: number) => number, title: string) {
  const server = await serverFor("--slowlog-log-slower-than", "500000");
  const client = clientFor(server);
  const clock = new ManualClock();
  const limits = [
    // The window is so long that nothing leaks.
    new RateLimit({ key: "tokens", capacity: 10_000_000, windowMs: 50 * YEAR, overage: "debt" }),
    new ResourceLimit({ key: "slots", capacity: RELEASES }),
  ];
  const open = (one: Redis) => {
    const set = new RedisLimitSet<string>({ name: "flood", limits, client: one, clock, deadlineMs: 20_000 });
    onTestFinished(() => set.close());
    return set;
  };
  const [set, other] = [open(client), open(clientFor(server))];
  // At four times: a refund at an earlier time than the last four may give back less than was taken.
  const acquisitions: RedisAcquisition[] = [];
  for (let times = 0; times < 4; times++) {
    const acquired = Array.from({ length: RELEASES / 4 }, () => set.acquire({ tokens: 10, slots: 1 }));
    acquisitions.push(...(await Promise.all(acquired)));
    clock.advance(1);
  }
  const calls = callsOf(client);
  await client.config("RESETSTAT");
  let used = 0;
  for (const [i, acquisition] of acquisitions.entries()) {
    acquisition.update({ tokens: usage(i) });
    used += usage(i);
    acquisition.release();
  }
  // Requests of this process and of others go meanwhile.
  const settledAt = () => settled(calls);
  const ask = (one: typeof set) => one.acquire({ tokens: 1, slots: 0 }).then(settledAt);
  const [before] = await Promise.all([ask(set), ask(other)]);
  const isSettled = expect.poll(async () => Object.values(await other.stats()).map((stats) => stats.used), {
    timeout: 20_000,
  });
  await isSettled.toEqual([used + 2, 0]);
  const figures = /cmdstat_evalsha:(\S+)/.exec(await client.info("commandstats"))![1];
  console.log(`${title}: ${settled(calls)} settlements in ${calls.length} calls; on the server: ${figures}`);
  for (const call of calls) {
    // Besides, a call may renew the lease.
    const steps = call.reduce((sum, operation) => sum + stepsOf(operation), 0);
    expect(steps).toBeLessThanOrEqual(MOST_STEPS + 1);
  }
  expect(await client.slowlog("LEN")).toBe(0);
  return { calls, before };
}

describeRedis("settlements", () => {
  test("100,000 releases in one turn are few settlements, if those of one grant can be summed", {
    timeout: 60_000,
  }, async () => {
    const { calls } = await flooded((i) => i % 10, "refunds");
    expect(settled(calls)).toBeLessThanOrEqual(4);
    expect(calls.length).toBeLessThan(10);
  });

  test("100,000 releases in one turn that cannot be summed are batches, among which requests go on", {
    timeout: 60_000,
  }, async () => {
    const { calls, before } = await flooded((i) => 10 + (i % 3), "refunds and charges");
    expect(settled(calls)).toBe(RELEASES);
    expect(before).toBeLessThan(MOST_STEPS);
  });

  test("close sends all settlements, however many batches they are", { timeout: 60_000 }, async () => {
    const server = await serverFor();
    const limits = [
      new RateLimit({ key: "tokens", capacity: 1e6, windowMs: 50 * YEAR, overage: "debt" }),
      new ResourceLimit({ key: "slots", capacity: 5_000 }),
    ];
    const open = () => new RedisLimitSet<string>({ name: "closed", limits, client: clientFor(server) });
    const set = open();
    const acquisitions = await Promise.all(Array.from({ length: 5_000 }, () => set.acquire({ tokens: 10 })));
    for (const acquisition of acquisitions) {
      acquisition.update({ tokens: 11 });
      acquisition.release();
    }
    await set.close();
    const other = open();
    onTestFinished(() => other.close());
    expect(await other.stats()).toMatchObject({ tokens: { used: 55_000 }, slots: { used: 0 } });
  });

  test("settlements that are summed lead to the same state as one by one", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const client = clientFor(await serverFor());
    await client.script("LOAD", script);
    const algorithms = ["token-bucket", "gcra", "leaky-bucket", "sliding-window", "fixed-window"] as const;
    const limits = [
      ...algorithms.map(
        (algorithm) => new RateLimit({ key: algorithm, capacity: 97, windowMs: 0.07, algorithm }),
      ),
      new ResourceLimit({ key: "slots", capacity: 200 }),
    ];
    const definitions = new Definitions(limits);
    const units = (most: number, least: number) =>
      fc.array(fc.integer({ min: least, max: most }), { minLength: limits.length, maxLength: limits.length });
    // Resources are never charged.
    const due = fc
      .oneof(units(0, -20), units(0, -20), units(30, 0), units(5, -5))
      .map((list) => [...list.slice(0, -1), Math.min(0, list.at(-1)!)]);
    const history = fc.record({
      takes: fc.array(fc.record({ units: units(9, 0), passed: fc.integer({ min: 0, max: 30 }) }), {
        minLength: 1,
        maxLength: 12,
      }),
      settlements: fc.array(fc.record({ due, of: fc.nat() }), { minLength: 2, maxLength: 40 }),
      passed: fc.integer({ min: 0, max: 40 }),
    });
    let keys = 0;
    let merged = 0;
    const property = fc.asyncProperty(history, async ({ takes, settlements, passed }) => {
      const [plain, summed] = [`plain:${++keys}`, `summed:${keys}`];
      let now = 1_700_000_000_000_000;
      let seq = 0;
      const call = async (operations: readonly string[]) => {
        seq++;
        for (const [key, list] of [
          [plain, operations],
          [summed, operations],
        ] as const)
          await run(key, list);
      };
      const run = (key: string, list: readonly string[]) =>
        client.evalsha(
          sha,
          1,
          key,
          ...wholeCall({ definitions, session: "me", seq, reading: now }, { leaseUs: 1e15 }, list),
        );
      const tokens: number[] = [];
      for (const take of takes) {
        now += take.passed;
        tokens.push(now);
        await call([`T${definitions.encode(take.units)}`]);
      }
      const session = {} as Session<string>;
      const some = new Settlements<string>(
        { limits, definitions },
        new Totals(limits.length),
        { current: session, isEnded: false },
        { send() {} },
      );
      const each: string[] = [];
      for (const { due, of } of settlements) {
        const token = tokens[of % tokens.length]!;
        some.add(session, due, token);
        const list = definitions.encode(due);
        each.push(list === "" ? "." : `S${token} ${list}`);
      }
      const all = some
        .take(new Allowance(Number.POSITIVE_INFINITY))
        .map((operation) => operation.encode() ?? ".");
      merged += each.length - all.length;
      now += passed;
      seq++;
      await run(plain, each);
      await run(summed, all);
      const [one, other] = await Promise.all([plain, summed].map((key) => client.hgetallBuffer(key)));
      // The session has the answers, of which there are fewer; what it holds is the same.
      const withoutAnswers = ({ sme, ...rest }: Record<string, Buffer> = {}) => ({
        ...rest,
        session: sme?.toString("latin1").replace(/ ok .*/, ""),
      });
      expect(withoutAnswers(other)).toEqual(withoutAnswers(one));
      await client.del(plain, summed);
    });
    await fc.assert(property, runs(400));
    expect(merged).toBeGreaterThan(100);
  });
});
