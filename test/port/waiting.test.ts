/** Waiting behind a channel: what travels of it, also through two channels, and to and from sides of an earlier version. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  AcquireTimeoutError,
  LimitSet,
  type LimitSetOptions,
  QueueFullError,
  WaitTooLongError,
} from "../../src/index.ts";
import { type ConnectedLimits, connectLimits, type Endpoint, serveLimits } from "../../src/port/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { failure, rate, resource, watch } from "../conformance/tools.ts";
import { jsonChannel } from "./channels.ts";

type Keys = "db" | "tokens";
type Op = readonly [kind: number, ...values: unknown[]];
interface Message {
  readonly ops: readonly Op[];
}

const [HELLO, ACQUIRE, READ] = [0, 2, 9];
const [GRANTED, REFUSED, FAILED, MARK] = [2, 3, 4, 9];
const VERSION = 2;

const settle = async () => {
  for (let turns = 0; turns < 16; turns++) await nextTurn();
};

/** A set behind a channel of JSON. `wrap` may change the host's end. */
async function connected(
  options: Pick<LimitSetOptions, "maxWaiting" | "agingMs"> = {},
  wrap = (there: Endpoint) => there,
) {
  const clock = new ManualClock();
  const set = new LimitSet({ limits: [resource("db", 1), rate("tokens", 100, 1000)], clock, ...options });
  const channel = jsonChannel();
  serveLimits(set, wrap(channel.there));
  const limits = connectLimits<Keys>(channel.here);
  onTestFinished(() => limits.close());
  onTestFinished(() => set.close());
  await limits.ready;
  return { set, clock, channel, limits };
}

/** The operations of one kind that an end of a channel has sent. */
function sentBy(messages: readonly unknown[], kind: number): readonly Op[] {
  return (messages as readonly Message[]).flatMap(({ ops }) => ops).filter(([each]) => each === kind);
}

/** An end of a host that sends and hears no value that an earlier version does not know. */
function earlier(end: Endpoint): Endpoint {
  const cut = (known: Readonly<Record<number, number>>, message: unknown) => {
    const { ops, ...rest } = message as Message;
    return { ...rest, ops: ops.map((op) => op.slice(0, known[op[0]] ?? op.length)) };
  };
  const withoutNumbers = (message: unknown) => {
    const { ops, ...rest } = message as Message;
    const plain = ops.map((op) => {
      if (op[0] !== FAILED) return op;
      const { numbers: _, ...error } = op[2] as { numbers?: unknown };
      return [FAILED, op[1], error];
    });
    return { ...rest, ops: plain };
  };
  return {
    send: (message) => end.send(withoutNumbers(cut({ [GRANTED]: 2, [REFUSED]: 4 }, message))),
    receive: (listener) => end.receive((message) => listener(cut({ [ACQUIRE]: 5 }, message))),
  };
}

describe("over the channel travel", () => {
  test("priority and maxWaitMs, where they differ from their defaults", async () => {
    const { limits, channel } = await connected();
    for (const options of [
      {},
      { priority: 0, maxWaitMs: Number.POSITIVE_INFINITY },
      { timeoutMs: 5, priority: -1.5 },
      { maxWaitMs: 0 },
    ]) {
      await limits.acquire({ tokens: 1, db: 0 }, options);
    }
    expect(sentBy(channel.sent.here, ACQUIRE).map((op) => op.slice(4))).toEqual([
      [null],
      [null],
      [5, -1.5],
      [null, 0, 0],
    ]);
  });

  test("how many stand before a request, and how long it has waited, where that is not 0", async () => {
    const { limits, channel, clock } = await connected();
    await limits.acquire({ tokens: 100, db: 0 });
    await limits.tryAcquire({ tokens: 1, db: 0 });
    const waiter = watch(limits.acquire({ tokens: 1, db: 0 }));
    await settle();
    expect(await limits.tryAcquire({ tokens: 1, db: 0 })).toMatchObject({ ahead: 1, retryAfterMs: 20 });
    clock.advance(10);
    await settle();
    expect(waiter.value).toMatchObject({ waitedMs: 10, ahead: 0 });
    expect(sentBy(channel.sent.there, REFUSED).map((op) => op.slice(2))).toEqual([
      [10, [1]],
      [20, [1], 1],
    ]);
    expect(sentBy(channel.sent.there, GRANTED).map((op) => op.slice(2))).toEqual([[], [10]]);
  });

  test("all fields of an error, numbers that JSON has not among them", async () => {
    const { limits, set } = await connected({ maxWaiting: 0 });
    set.tryAcquire({ db: 1, tokens: 0 });
    const late = await failure(() => limits.acquire({ db: 1 }, { timeoutMs: 0 }));
    expect(late).toBeInstanceOf(AcquireTimeoutError);
    const forEver = { limitedBy: ["db"], retryAfterMs: Number.POSITIVE_INFINITY, ahead: 0 };
    expect(late).toMatchObject({ ...forEver, timeoutMs: 0 });
    const full = await failure(() => limits.acquire({ db: 1 }));
    expect(full).toBeInstanceOf(QueueFullError);
    expect(full).toMatchObject({ ...forEver, maxWaiting: 0 });
    set.tryAcquire({ tokens: 100, db: 0 });
    const tooLong = await failure(() => limits.acquire({ tokens: 2, db: 0 }, { maxWaitMs: 10 }));
    expect(tooLong).toBeInstanceOf(WaitTooLongError);
    expect(tooLong).toMatchObject({ limitedBy: ["tokens"], retryAfterMs: 20, ahead: 0, maxWaitMs: 10 });
    expect(tooLong.message).toContain("20 ms");
  });
});

test("a host that is a peer itself passes all of it on", async () => {
  const { set, limits, clock } = await connected({ maxWaiting: 3 });
  const second = jsonChannel();
  serveLimits(limits, second.there);
  const far = connectLimits<Keys>(second.here);
  onTestFinished(() => far.close());
  await far.ready;
  set.tryAcquire({ tokens: 100, db: 0 });
  const grants: string[] = [];
  const wait = (name: string, peer: ConnectedLimits<Keys>, priority: number) =>
    watch(peer.acquire({ tokens: 10, db: 0 }, { priority }).then(() => grants.push(name)));
  wait("first", far, 0);
  wait("second", limits, 0);
  await settle();
  const high = watch(far.acquire({ tokens: 10, db: 0 }, { priority: 1 }));
  await settle();
  expect(await far.tryAcquire({ tokens: 1, db: 0 })).toMatchObject({ ahead: 3, retryAfterMs: 310 });
  expect(await failure(() => far.acquire({ tokens: 1, db: 0 }))).toMatchObject({
    code: "ERR_QUEUE_FULL",
    maxWaiting: 3,
    ahead: 3,
  });
  expect(await failure(() => far.acquire({ tokens: 1, db: 0 }, { maxWaitMs: 300 }))).toMatchObject({
    code: "ERR_WAIT_TOO_LONG",
    retryAfterMs: 310,
  });
  clock.advance(100);
  await settle();
  expect(high.value).toMatchObject({ waitedMs: 100 });
  clock.advance(200);
  await settle();
  expect(grants.sort()).toEqual(["first", "second"]);
});

test("a host of an earlier version serves requests as it knows them", async () => {
  const { limits, clock } = await connected({}, earlier);
  await limits.acquire({ tokens: 100, db: 0 });
  const waiter = watch(limits.acquire({ tokens: 1, db: 0 }, { priority: 1, maxWaitMs: 5 }));
  await settle();
  expect(await limits.tryAcquire({ tokens: 1, db: 0 })).toMatchObject({ ahead: 0, retryAfterMs: 20 });
  clock.advance(10);
  await settle();
  expect(waiter.value).toMatchObject({ waitedMs: 0, requested: { tokens: 1 } });
});

test.each([
  ["a negative count", [REFUSED, 2, 10, [1], -1]],
  ["a part of a waiter", [REFUSED, 2, 10, [1], 0.5]],
  ["a count that is no number", [REFUSED, 2, 10, [1], "1"]],
  ["a negative wait", [GRANTED, 2, -1]],
  ["a wait that is no number", [GRANTED, 2, {}]],
])("a host that sends %s cannot be read", async (_, answer) => {
  const { limits, channel } = await connected();
  await limits.acquire({ tokens: 1, db: 0 });
  channel.freeze("there");
  const tried = failure(() => limits.tryAcquire({ tokens: 1, db: 0 }));
  await settle();
  const { session } = channel.sent.there.at(-1) as { session: number };
  channel.thaw("there");
  channel.there.send({ limitset: "", to: "peer", session, ops: [answer] });
  expect(await tried).toMatchObject({ code: "ERR_BACKEND_UNAVAILABLE" });
  expect((await tried).message).toContain("cannot be read");
});

test("a request whose terms are no numbers is an error of the peer that sends it", async () => {
  const { channel } = await connected();
  const heard: Op[] = [];
  channel.here.receive((message) => heard.push(...(message as Message).ops));
  const say = async (...ops: Op[]) => {
    channel.here.send({ limitset: "", to: "host", session: 7, ops });
    await settle();
  };
  await say([HELLO, VERSION]);
  await say([READ, heard.find(([kind]) => kind === MARK)![1]]);
  await say([ACQUIRE, 1, 0, [0, 1], null, "x"], [ACQUIRE, 2, 0, [0, 1], null, 0, "x"]);
  const failures = heard.filter(([kind]) => kind === FAILED);
  expect(failures).toHaveLength(2);
  for (const [, , error] of failures) expect(error).toMatchObject({ code: "ERR_INVALID_REQUEST" });
});

test("before the host has answered, maxWaitMs bounds the wait as timeoutMs does", async () => {
  const { here } = jsonChannel();
  const limits = connectLimits<Keys>(here);
  onTestFinished(() => limits.close());
  const error = await failure(() => limits.acquire({ tokens: 1 }, { timeoutMs: 60_000, maxWaitMs: 10 }));
  expect(error.message).toContain("has not answered within 1000 ms");
});
