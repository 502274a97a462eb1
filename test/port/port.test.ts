/** What is special about a set behind a channel: messages, aborts, the end of either side, connecting. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MessageChannel } from "node:worker_threads";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  AcquireTimeoutError,
  BackendRefusedError,
  BackendUnavailableError,
  InvalidRequestError,
  LimitError,
  LimitSet,
  LimitSetClosedError,
  UnreleasedAcquisitionWarning,
  UsageExceedsRequestedError,
} from "../../src/index.ts";
import { connectLimits, type EndpointLike, serveLimits } from "../../src/port/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, rate, resource } from "../conformance/tools.ts";
import { collect } from "../keeping.ts";
import { jsonChannel } from "./channels.ts";

collect();
setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

afterEach(() => {
  vi.useRealTimers();
});

function make(extras: { missingUpdate?: "throw" | "charge"; config?: Record<string, unknown> } = {}) {
  const clock = new ManualClock();
  const set = new LimitSet({
    limits: [resource("db", 2), rate("tokens", 100, 1000), calls(50, 1000)],
    clock,
    ...extras,
  });
  onTestFinished(() => set.close());
  return { set, clock };
}

type Keys = "db" | "tokens" | "call_count";

/** A set, and `count` peers that are connected to it. */
async function connected(
  count = 1,
  { tells, ...options }: { tells?: boolean; onWarning?: (warning: LimitError) => void } = {},
) {
  const { set, clock } = make();
  const peers = await Promise.all(
    Array.from({ length: count }, async () => {
      const channel = jsonChannel(tells === undefined ? {} : { tells });
      const service = serveLimits(set, channel.there);
      const limits = connectLimits<Keys>(channel.here, options);
      onTestFinished(() => limits.close());
      await limits.ready;
      return { channel, service, limits };
    }),
  );
  return { set, clock, peers, ...peers[0]! };
}

const turns = async (count = 6) => {
  for (let i = 0; i < count; i++) await nextTurn();
};

describe("messages", () => {
  test("operations of one turn travel in one message, and so do their answers", async () => {
    const { limits, channel } = await connected();
    const before = { here: channel.sent.here.length, there: channel.sent.there.length };
    const acquisitions = await Promise.all(
      Array.from({ length: 20 }, () => limits.acquire({ tokens: 1, db: 0 })),
    );
    expect(acquisitions).toHaveLength(20);
    expect(channel.sent.here.length - before.here).toBe(1);
    expect(channel.sent.there.length - before.there).toBe(1);
  });

  test("an acquire takes one round trip, a release one message, and update() none", async () => {
    const { limits, channel, set } = await connected();
    const count = () => [channel.sent.here.length, channel.sent.there.length];
    const [here = 0, there = 0] = count();
    const acquisition = await limits.acquire({ tokens: 10 });
    expect(count()).toEqual([here + 1, there + 1]);
    acquisition.update({ tokens: 4 });
    await turns();
    expect(count()).toEqual([here + 1, there + 1]);
    acquisition.release();
    await turns();
    expect(count()).toEqual([here + 2, there + 1]);
    expect(set.stats()).toMatchObject({ tokens: { used: 4 }, db: { used: 0 }, call_count: { used: 1 } });
  });

  test("an invalid request is refused by the peer, and never sent", async () => {
    const { limits, channel } = await connected();
    const before = channel.sent.here.length;
    await expect(limits.acquire({ tokns: 1 } as never)).rejects.toBeInstanceOf(InvalidRequestError);
    await expect(limits.acquire({ tokens: Number.NaN })).rejects.toThrow("NaN");
    await expect(limits.acquire({ tokens: 101 })).rejects.toThrow("could never pass");
    await expect(limits.acquire({ tokens: 1 }, { timeoutMs: -1 })).rejects.toThrow("timeoutMs");
    expect(channel.sent.here.length).toBe(before);
  });
});

describe("the order of waiting", () => {
  test("requests of peers and of the host itself are granted in order of arrival", async () => {
    const { set, peers } = await connected(3);
    const held = set.tryAcquire({ db: 2 });
    const order: string[] = [];
    const note = (name: string) => (acquisition: { release(): void }) => {
      order.push(name);
      acquisition.release();
    };
    const waiting: Promise<void>[] = [];
    for (const [i, { limits }] of peers.entries()) {
      waiting.push(limits.acquire({ db: 2 }).then(note(`peer ${i}`)));
      await turns();
    }
    waiting.push(set.acquire({ db: 2 }).then(note("host")));
    waiting.push(peers[0]!.limits.acquire({ db: 2 }).then(note("peer 0 again")));
    await turns();
    expect(set.waiting).toBe(5);
    held.release();
    await Promise.all(waiting);
    expect(order).toEqual(["peer 0", "peer 1", "peer 2", "host", "peer 0 again"]);
  });
});

describe("aborts and timeouts", () => {
  test("an abort withdraws the request at the host, which then holds nothing", async () => {
    const { limits, set } = await connected();
    const held = set.tryAcquire({ db: 2 });
    const controller = new AbortController();
    const waiting = limits.acquire({ db: 1, tokens: 5 }, { signal: controller.signal });
    await turns();
    expect(set.waiting).toBe(1);
    controller.abort(new Error("changed my mind"));
    await expect(waiting).rejects.toThrow("changed my mind");
    expect(set.waiting).toBe(0);
    held.release();
    expect(set.stats()).toMatchObject({ db: { used: 0 }, tokens: { used: 0 } });
  });

  test("an abort after the grant is too late: the acquire resolves, and its acquisition can be released", async () => {
    const { limits, set } = await connected();
    const controller = new AbortController();
    const asked = limits.acquire({ db: 1 }, { signal: controller.signal });
    await turns(2); // The host has granted it; the answer is on its way.
    expect(set.stats().db.used).toBe(1);
    controller.abort();
    const acquisition = await asked;
    acquisition.release();
    await turns();
    expect(set.stats().db.used).toBe(0);
  });

  test("a timeout runs on the host's clock, and its error names the limits", async () => {
    const { limits, set, clock } = await connected();
    set.tryAcquire({ db: 2 });
    const asked = limits.acquire({ db: 1 }, { timeoutMs: 300 });
    const rejected = expect(asked).rejects.toMatchObject({ name: "TimeoutError", timeoutMs: 300 });
    await turns();
    clock.advance(300);
    await rejected;
    await expect(asked).rejects.toBeInstanceOf(AcquireTimeoutError);
    await expect(asked).rejects.toThrow('"db"');
  });
});

describe("the end of a peer", () => {
  test("gives back what it held and withdraws its waiters, at once", async () => {
    const { set, peers } = await connected(2);
    const [first, second] = [peers[0]!, peers[1]!];
    await first.limits.acquire({ db: 2, tokens: 30 });
    const waiting = first.limits.acquire({ db: 1 }).catch((error: unknown) => error);
    const other = second.limits.acquire({ db: 2 });
    await turns();
    expect(set.waiting).toBe(2);
    first.channel.close();
    expect((await other).requested).toEqual({ db: 2, call_count: 1 });
    expect(await waiting).toBeInstanceOf(BackendUnavailableError);
    expect(set.waiting).toBe(0);
    expect(set.stats()).toMatchObject({ db: { used: 2 }, tokens: { used: 30 } });
  });

  test("close() of a connection rejects its waiters and gives back what it held; the set stays open", async () => {
    const { set, limits } = await connected();
    const acquisition = await limits.acquire({ db: 2 });
    const waiting = limits.acquire({ db: 1 }).catch((error: unknown) => error);
    await turns();
    limits.close();
    limits.close();
    expect(await waiting).toBeInstanceOf(LimitSetClosedError);
    await turns();
    expect(set.waiting).toBe(0);
    expect(set.stats().db.used).toBe(0);
    acquisition.release();
    await expect(limits.acquire()).rejects.toBeInstanceOf(LimitSetClosedError);
    await expect(limits.stats()).rejects.toBeInstanceOf(LimitSetClosedError);
    expect(set.tryAcquire({ db: 2 }).successful).toBe(true);
  });

  test("an acquisition that is granted while its peer disappears is released", async () => {
    const { set, limits, channel } = await connected();
    const held = set.tryAcquire({ db: 2 });
    limits.acquire({ db: 2 }).catch(() => {});
    await turns();
    held.release(); // Grants, and the peer's promise settles in a microtask.
    channel.close();
    await turns();
    expect(set.stats().db.used).toBe(0);
  });
});

describe("the end of the host", () => {
  test("rejects requests that wait, and all later ones", async () => {
    const { set, limits, channel } = await connected();
    set.tryAcquire({ db: 2 });
    const waiting = [limits.acquire({ db: 1 }), limits.acquire({ db: 1 })].map((each) =>
      each.catch((error: unknown) => error),
    );
    await turns();
    channel.close();
    for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(BackendUnavailableError);
    await expect(limits.acquire()).rejects.toBeInstanceOf(BackendUnavailableError);
    await expect(limits.tryAcquire()).rejects.toBeInstanceOf(BackendUnavailableError);
  });

  test("stop() rejects requests that wait, and the error says so", async () => {
    const { set, limits, service } = await connected();
    await limits.acquire({ db: 1 });
    set.tryAcquire({ db: 1 });
    const waiting = limits.acquire({ db: 1 });
    const rejected = expect(waiting).rejects.toThrow("has stopped serving");
    await turns();
    service.stop();
    service.stop();
    await rejected;
    expect(set.stats().db.used).toBe(1);
  });

  test("a stop() that a peer did not hear shows at its next request", async () => {
    const { set } = make();
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    const service = serveLimits(set, port2);
    const limits = connectLimits<Keys>(port1);
    (await limits.acquire({ tokens: 1 })).update({ tokens: 1 });
    service.stop();
    await turns();
    await expect(limits.acquire({ tokens: 1 })).rejects.toThrow("has stopped serving");
    serveLimits(set, port2);
    const again = connectLimits<Keys>(port1);
    expect((await again.acquire({ tokens: 1, db: 0 })).successful).toBe(true);
  });

  test("a newer service on the same channel replaces the first, and what its peer held comes back", async () => {
    const { set } = make();
    const { here, there } = jsonChannel();
    serveLimits(set, there);
    const limits = connectLimits<Keys>(here);
    await limits.acquire({ db: 2 });
    serveLimits(set, there);
    await turns();
    expect(set.stats().db.used).toBe(0);
    await expect(limits.acquire({ db: 1 })).rejects.toBeInstanceOf(BackendUnavailableError);
  });

  test("a closed set answers with its own error", async () => {
    const { set, limits } = await connected();
    set.close();
    await expect(limits.acquire({ tokens: 1 })).rejects.toBeInstanceOf(LimitSetClosedError);
    await expect(limits.stats()).rejects.toBeInstanceOf(LimitSetClosedError);
  });
});

describe("heartbeats, on a channel that does not tell of its end", () => {
  const fake = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });

  test("runs no timer while nothing is held or waited for", async () => {
    fake();
    const { limits, set } = await connected(1, { tells: false });
    expect(vi.getTimerCount()).toBe(0);
    const acquisition = await limits.acquire({ db: 1 });
    expect(vi.getTimerCount()).toBe(2);
    acquisition.release();
    await turns();
    expect(vi.getTimerCount()).toBe(0);
    expect(set.stats().db.used).toBe(0);
  });

  test("resources stay held while both sides live", async () => {
    fake();
    const { limits, set } = await connected(1, { tells: false });
    await limits.acquire({ db: 1 });
    for (let i = 0; i < 40; i++) {
      vi.advanceTimersByTime(2_500);
      await turns(4);
    }
    expect(set.stats().db.used).toBe(1);
    expect((await limits.acquire({ db: 1 })).successful).toBe(true);
  });

  test("25 s of silence count as the end, on both sides", async () => {
    fake();
    const { limits, set, channel } = await connected(1, { tells: false });
    await limits.acquire({ db: 2 });
    const waiting = limits.acquire({ db: 1 }).catch((error: unknown) => error);
    await turns();
    channel.close();
    vi.advanceTimersByTime(4_999);
    expect(set.stats().db.used).toBe(2);
    vi.advanceTimersByTime(20_001);
    expect(set.stats().db.used).toBe(0);
    expect(await waiting).toBeInstanceOf(BackendUnavailableError);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("connecting", () => {
  test.each(["host first", "peer first"])("%s", async (which) => {
    const { set } = make();
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    const channel = jsonChannel();
    const ends: [EndpointLike, EndpointLike][] = [
      [port1, port2],
      [channel.here, channel.there],
    ];
    for (const [here, there] of ends) {
      if (which === "host first") serveLimits(set, there);
      await turns();
      const limits = connectLimits<Keys>(here);
      await turns();
      if (which === "peer first") serveLimits(set, there);
      expect((await limits.acquire({ tokens: 3, db: 0 })).requested).toEqual({ tokens: 3, call_count: 1 });
    }
  });

  test("before the host has answered, methods that need its facts throw, and others wait", async () => {
    const channel = jsonChannel();
    const limits = connectLimits<Keys>(channel.here);
    expect(() => limits.keys).toThrow("await limits.ready");
    expect(() => limits.get("db")).toThrow(BackendUnavailableError);
    const controller = new AbortController();
    const waiting = limits.acquire({}, { signal: controller.signal });
    controller.abort(new Error("no patience"));
    await expect(waiting).rejects.toThrow("no patience");
    await expect(limits.acquire({}, { timeoutMs: 10 })).rejects.toThrow("has not answered within 1000 ms");
    const other = limits.acquire();
    const rejected = expect(other).rejects.toBeInstanceOf(LimitSetClosedError);
    limits.close();
    await rejected;
    await expect(limits.ready).rejects.toBeInstanceOf(LimitSetClosedError);
  });

  test("one channel carries several sets, in both directions, and other messages", async () => {
    const a = make();
    const b = make();
    const { here, there } = jsonChannel();
    serveLimits(a.set, there, { name: "a" });
    serveLimits(b.set, here, { name: "a" });
    serveLimits(b.set, there, { name: "b" });
    const toA = connectLimits<Keys>(here, { name: "a" });
    const toB = connectLimits<Keys>(there, { name: "a" });
    const alsoB = connectLimits<Keys>(here, { name: "b" });
    here.send("something else");
    here.send({ limitset: "a", to: "host", session: 7, ops: "none" });
    here.send({ limitset: "a", to: "host", ops: [] });
    await toA.acquire({ tokens: 1, db: 0 });
    await toB.acquire({ tokens: 2, db: 0 });
    await alsoB.acquire({ tokens: 4, db: 0 });
    expect([a.set.stats().tokens.used, b.set.stats().tokens.used]).toEqual([1, 6]);
  });

  test("two connections over one channel are two peers", async () => {
    const { set } = make();
    const { here, there } = jsonChannel();
    serveLimits(set, there);
    const first = connectLimits<Keys>(here);
    const second = connectLimits<Keys>(here);
    await Promise.all([first.acquire({ db: 1 }), second.acquire({ db: 1 })]);
    const waiting = second.acquire({ db: 1 });
    await turns();
    first.close();
    expect((await waiting).requested).toEqual({ db: 1, call_count: 1 });
    expect(set.stats().db.used).toBe(2);
  });

  test("a connected set can be served in its turn", async () => {
    const { set, limits } = await connected();
    const second = jsonChannel();
    serveLimits(limits, second.there);
    const far = connectLimits<Keys>(second.here);
    await far.ready;
    const acquisition = await far.acquire({ db: 2, tokens: 7 });
    acquisition.update({ tokens: 3 });
    const refused = await far.tryAcquire({ db: 1 });
    expect(refused).toMatchObject({
      successful: false,
      limitedBy: ["db"],
      retryAfterMs: Number.POSITIVE_INFINITY,
    });
    acquisition.release();
    await turns(12);
    expect(set.stats()).toMatchObject({ db: { used: 0 }, tokens: { used: 3 } });
  });

  test("a peer with another version of the protocol is not served", async () => {
    const { set } = make();
    const channel = jsonChannel();
    serveLimits(set, channel.there);
    const heard: unknown[] = [];
    channel.here.receive((message) => heard.push(message));
    channel.here.send({ limitset: "", to: "host", session: 7, ops: [[0, 99]] });
    await turns();
    expect(JSON.stringify(heard)).toContain("speaks version 2, the peer 99");
  });

  test("a peek rejects at once if the host has a version that does not know it", async () => {
    const { set } = make();
    const { here, there } = jsonChannel();
    serveLimits(set, there);
    const WELCOME = 1;
    type Message = { readonly ops: readonly (readonly unknown[])[] };
    const older = (message: Message) => ({
      ...message,
      ops: message.ops.map((op) => (op[0] === WELCOME ? op.slice(0, 7) : op)),
    });
    const limits = connectLimits({
      ...here,
      receive: (listener) => here.receive((message) => listener(older(message as Message))),
    });
    await expect(limits.peek({ db: 1 })).rejects.toMatchObject({
      code: "ERR_BACKEND_UNAVAILABLE",
      message: expect.stringContaining("the host is older than peek()"),
    });
    expect((await limits.tryAcquire({ db: 1 })).successful).toBe(true);
    limits.close();
  });

  test.each([undefined, null, 5, "port", {}, { ports: [] }])("%j is no endpoint", (nonsense) => {
    const { set } = make();
    expect(() => serveLimits(set, nonsense as never)).toThrow(InvalidRequestError);
    expect(() => connectLimits(nonsense as never)).toThrow(InvalidRequestError);
  });

  test("serveLimits throws for a config that cannot be sent", () => {
    const { set } = make({ config: { call: () => {} } });
    expect(() => serveLimits(set, jsonChannel().there)).toThrow("config cannot be sent");
  });
});

describe("a peer receives", () => {
  test("keys, config, definitions and statistics", async () => {
    const { set } = make({ config: { model: "small" }, missingUpdate: "charge" });
    const channel = jsonChannel();
    serveLimits(set, channel.there);
    const limits = connectLimits<Keys>(channel.here);
    await limits.ready;
    expect(limits.keys).toEqual(set.keys);
    expect(limits.config).toEqual({ model: "small" });
    expect(limits.get("tokens")).toMatchObject({ type: "rate", capacity: 100, windowMs: 1000 });
    expect(() => limits.get("nope" as never)).toThrow('"nope"');
    set.tryAcquire({ db: 2 });
    expect(await limits.stats()).toEqual(set.stats());
    expect(await limits.get("db").stats()).toEqual(set.stats().db);
    const acquisition = await limits.acquire({ tokens: 1, db: 0 });
    expect(acquisition.config).toEqual({ model: "small" });
    acquisition.release(); // missingUpdate is "charge" on this side too
  });

  test("errors of their own classes, with their fields", async () => {
    const { limits } = await connected();
    const acquisition = await limits.acquire({ tokens: 10 });
    expect(() => acquisition.update({ tokens: 11 })).toThrow(UsageExceedsRequestedError);
    const late = await limits.acquire({ db: 2 }, { timeoutMs: 0 }).catch((error: unknown) => error);
    expect(late).toBeInstanceOf(AcquireTimeoutError);
    expect(late).toBeInstanceOf(LimitError);
    expect(late).toMatchObject({ code: "ERR_ACQUIRE_TIMEOUT", timeoutMs: 0, name: "TimeoutError" });
  });

  test.each([
    [
      "BackendRefusedError",
      "ERR_BACKEND_REFUSED",
      new BackendRefusedError("EVALSHA is refused", new Error("NOPERM")),
    ],
    [
      "BackendUnavailableError",
      "ERR_BACKEND_UNAVAILABLE",
      new BackendUnavailableError("away", new Error("NOPERM")),
    ],
  ] as const)("a %s of the host's own backend, with its cause", async (name, code, thrown) => {
    const { set } = make();
    vi.spyOn(set, "acquire").mockRejectedValue(thrown);
    const channel = jsonChannel();
    serveLimits(set, channel.there);
    const limits = connectLimits<Keys>(channel.here);
    const error: unknown = await limits.acquire({ tokens: 1 }).catch((received: unknown) => received);
    expect(error).toBeInstanceOf(thrown.constructor);
    expect(error).toMatchObject({ name, code, message: thrown.message });
    expect((error as Error).cause).toEqual(new Error("NOPERM"));
  });

  test("a BackendUnavailableError in place of an error that is not the library's", async () => {
    const { set } = make();
    vi.spyOn(set, "acquire").mockRejectedValue(new TypeError("oops"));
    const channel = jsonChannel();
    serveLimits(set, channel.there);
    const limits = connectLimits<Keys>(channel.here);
    await expect(limits.acquire({ tokens: 1 })).rejects.toThrow("the host failed: oops");
    await expect(limits.acquire({ tokens: 1 })).rejects.toBeInstanceOf(BackendUnavailableError);
  });
});

test("an acquisition that a peer drops is released at the host when it is garbage-collected, and is reported", async () => {
  const warnings: LimitError[] = [];
  const { set, limits } = await connected(1, { onWarning: (warning) => warnings.push(warning) });
  await (async () => void (await limits.acquire({ db: 2, tokens: 5 })))();
  expect(set.stats().db.used).toBe(2);
  while (set.stats().db.used > 0) {
    gc();
    await nextTurn();
  }
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toBeInstanceOf(UnreleasedAcquisitionWarning);
  expect(set.stats().tokens.used).toBe(5);
});
