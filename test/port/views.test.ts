/** Views of connected sets: what a peer may name, and what a host keeps of it. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MessageChannel } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import {
  BackendUnavailableError,
  CallLimit,
  InvalidRequestError,
  LimitSet,
  ResourceLimit,
} from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { proves } from "../installed.ts";

const INVENTED = proves ? 1_000_000 : 20_000;
setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;
const heap = () => {
  collect();
  return process.memoryUsage().heapUsed;
};

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function open() {
  const set = new LimitSet({
    limits: [
      new ResourceLimit({ key: "db", capacity: 9 }),
      new CallLimit({
        key: "each",
        capacity: 2,
        windowMs: 60_000,
        per: "user",
        tiers: { pro: { capacity: 5 } },
      }),
    ],
  });
  const { port1, port2 } = new MessageChannel();
  const service = serveLimits(set, port2);
  ends.push(() => {
    service.stop();
    set.close();
    port1.close();
  });
  return { set, port: port1 };
}

/** Sends operations of a session as they are, and resolves to the answers. It sends back each mark that it reads. */
async function send(port: MessagePort, ...ops: readonly unknown[][]): Promise<unknown[][]> {
  const answers: unknown[][] = [];
  const post = (...sent: readonly unknown[][]) =>
    port.postMessage({ limitset: "", to: "host", session: 5, ops: sent });
  const heard = ({ ops: got }: { ops: unknown[][] }) => {
    answers.push(...got);
    for (const [kind, mark] of got) if (kind === 9) post([9, mark]);
  };
  (port as never as { on(event: "message", listener: unknown): void }).on("message", heard);
  post([0, 2, 13]);
  for (let i = 0; i < 10; i++) await nextTurn();
  post(...ops);
  for (let i = 0; i < 20; i++) await nextTurn();
  return answers.filter(([kind]) => ![0, 1, 9, 13].includes(kind as number));
}

test("a view that is made before the host is known works, and names of no dimension are errors of its requests", async () => {
  const { set, port } = open();
  const limits = connectLimits(port);
  ends.push(() => limits.close());
  const [alice, nobody, tier] = [
    limits.for({ user: "alice" }),
    limits.for({ usr: "alice" }),
    limits.for({ user: "alice" }, { tier: "prp" }),
  ];
  expect((await alice.tryAcquire()).successful).toBe(true);
  await expect(nobody.tryAcquire()).rejects.toThrow(InvalidRequestError);
  await expect(tier.tryAcquire()).rejects.toThrow('"prp"');
  expect((await alice.stats())["each"]!.available).toBe(1);
  expect(set.for({ user: "alice" }).stats()["each"].available).toBe(1);
  expect((await limits.for({ user: "alice" }, { tier: "pro" }).stats())["each"]!.available).toBe(4);
});

test("what one user's body holds is no deadlock of another's", async () => {
  const set = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1, per: "user" })] });
  const { port1, port2 } = new MessageChannel();
  const service = serveLimits(set, port2);
  const warnings: unknown[] = [];
  const limits = connectLimits(port1, { onWarning: (warning) => warnings.push(warning) });
  ends.push(() => {
    limits.close();
    service.stop();
    set.close();
  });
  const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
  await alice.run(undefined, () => bob.run(undefined, () => {}));
  expect(warnings).toEqual([]);
  const late = alice.run(undefined, () => alice.acquire(undefined, { timeoutMs: 5 }));
  await expect(late).rejects.toThrow();
  expect(warnings).toHaveLength(1);
});

test("names that cannot be read fail the next request, and no other", async () => {
  const { set, port } = open();
  const bad: unknown[][] = [
    [5],
    ["alice"],
    [{}, null],
    [["a", "b"], null],
    [[7], null],
    [["a"], 5],
    [null, "pro"],
  ];
  const ops = bad.flatMap((named, i) => [
    [14, ...named],
    [3, i + 1, [null, null]],
  ]);
  const answers = await send(
    port as never,
    ...ops,
    [14, ["alice"], null],
    [3, 100, [null, null]],
    [3, 101, [1, 0]],
  );
  expect(answers.map(([kind, number]) => [kind, number])).toEqual([
    ...bad.map((_, i) => [4, i + 1]),
    [2, 100],
    [2, 101],
  ]);
  expect(set.stats().each.granted).toBe(1);
});

test("a host keeps so many names of a peer and no more, for as long as their requests", async () => {
  const { set, port } = open();
  const limits = connectLimits(port);
  ends.push(() => limits.close());
  const long = "x".repeat(2 ** 23);
  const held = await limits.for({ user: `${long}a` }).acquire();
  const more = limits.for({ user: `${long}b` });
  await expect(more.acquire()).rejects.toThrow(BackendUnavailableError);
  expect((await limits.for({ user: "alice" }).tryAcquire()).successful).toBe(true);
  held.release();
  expect((await more.acquire()).successful).toBe(true);
  expect(set.partitions).toMatchObject({ user: { count: 3 } });
});

test("a host of an earlier version is named by the error of a view's requests", async () => {
  const { port1, port2 } = new MessageChannel();
  ends.push(() => port1.close());
  const limits = connectLimits(port1);
  port2.on("message", ({ session }: { session: number }) => {
    const described = [{ type: "call", key: "each", capacity: 2, windowMs: 1000, per: "user" }];
    const ops = [[1, 2, described, {}, "throw", false, null, 13]];
    port2.postMessage({ limitset: "", to: "peer", session, ops });
  });
  await limits.ready;
  const error = limits.for({ user: "alice" }).tryAcquire();
  await expect(error).rejects.toThrow("the host is older than for()");
  limits.close();
});

test("a connected set tells how many partitions its host has", async () => {
  const { set, port } = open();
  const limits = connectLimits(port);
  ends.push(() => limits.close());
  expect(await limits.partitions).toEqual({ user: { count: 0, max: 100_000, shared: false } });
  await limits.for({ user: "alice" }).tryAcquire();
  await limits.for({ user: "bob" }).tryAcquire();
  expect(await limits.partitions).toEqual(set.partitions);
  expect(set.partitions).toMatchObject({ user: { count: 2 } });
});

test("a connected set says so if its host does not count partitions", async () => {
  const { set } = open();
  const { port1, port2 } = new MessageChannel();
  const uncounted = new Proxy(set, {
    get: (target, key) => (key === "partitions" ? undefined : Reflect.get(target, key, target)),
  });
  const service = serveLimits(uncounted, port2);
  const limits = connectLimits(port1);
  ends.push(() => {
    service.stop();
    limits.close();
  });
  await expect(limits.partitions).rejects.toThrow("does not count its partitions");
});

test(`${INVENTED} names that a peer invents take no more than there are partitions for, and change no answer for known ones`, {
  timeout: 300_000,
}, async () => {
  const MAX = 1000;
  const set = new LimitSet({
    limits: [new CallLimit({ key: "each", capacity: 2, windowMs: 1e12, per: "user" })],
    partitions: { user: { max: MAX, whenFull: "refuse" } },
  });
  const { port1, port2 } = new MessageChannel();
  const service = serveLimits(set, port2);
  const limits = connectLimits(port1);
  ends.push(() => {
    service.stop();
    port1.close();
  });
  const tryAs = async (user: string) => (await limits.for({ user }).tryAcquire()).successful;
  expect([await tryAs("alice"), await tryAs("bob")]).toEqual([true, true]);
  let passed = 0;
  const attack = async (from: number, to: number) => {
    for (let i = from; i < to; i += 500) {
      const tries = Array.from({ length: 500 }, (_, k) => tryAs(`invented ${i + k}`));
      for (const successful of await Promise.all(tries)) if (successful) passed++;
    }
  };
  await attack(0, INVENTED / 2);
  const half = heap();
  await attack(INVENTED / 2, INVENTED);
  expect(heap() - half).toBeLessThan(2 ** 20);
  expect(passed).toBe(MAX - 2);
  expect([await tryAs("alice"), await tryAs("alice"), await tryAs("bob")]).toEqual([true, false, true]);
  expect(set.partitions.user).toEqual({ count: MAX, max: MAX, shared: false });
  await limits.close();
});
