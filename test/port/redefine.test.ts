/** `redefine` over a channel: what peers see of it. The conformance suite has the rest. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { BackendUnavailableError, LimitSet } from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, rate, resource } from "../conformance/tools.ts";
import { jsonChannel } from "./channels.ts";

type Keys = "call_count" | "db" | "tokens";

async function settle(): Promise<void> {
  for (let turns = 0; turns < 12; turns++) await nextTurn();
}

async function connected(count: number) {
  const set = new LimitSet<Keys>({
    limits: [resource("db", 2), rate("tokens", 100, 1000)],
    clock: new ManualClock(),
  });
  onTestFinished(() => set.close());
  const channels = Array.from({ length: count }, () => jsonChannel());
  const peers = channels.map(({ here, there }) => {
    serveLimits(set, there);
    const limits = connectLimits<Keys>(here);
    onTestFinished(() => limits.close());
    return limits;
  });
  await Promise.all(peers.map(({ ready }) => ready));
  return { set, channels, peers };
}

test("all peers follow a set that its host redefines, without a call of theirs", async () => {
  const { set, peers } = await connected(2);
  set.redefine([rate("tokens", 50, 1000), calls(10, 1000), resource("db", 3)]);
  await settle();
  for (const peer of peers) {
    expect(peer.keys).toEqual(["tokens", "call_count", "db"]);
    expect(peer.get("tokens").capacity).toBe(50);
    expect((await peer.tryAcquire({ tokens: 51 }).catch((error) => error)).code).toBe("ERR_INVALID_REQUEST");
  }
  expect((await peers[0]!.stats()).db.capacity).toBe(3);
});

test("a set that one peer redefines is another for all peers, and for one that comes later", async () => {
  const { set, peers } = await connected(2);
  await peers[0]!.redefine([rate("tokens", 50, 1000)]);
  await settle();
  expect([set.keys, ...peers.map(({ keys }) => keys)]).toEqual(new Array(3).fill(["tokens"]));
  const { here, there } = jsonChannel();
  serveLimits(set, there);
  const late = connectLimits<Keys>(here);
  onTestFinished(() => late.close());
  const acquisition = await late.acquire({ tokens: 5 });
  await set.redefine([resource("db", 1), rate("tokens", 40, 1000)]);
  acquisition.update({ tokens: 2 });
  acquisition.release();
  await settle();
  expect([late.keys, set.stats().tokens.used]).toEqual([["db", "tokens"], 2]);
});

test("requests that are under way to a set with other limits take the amounts that they name", async () => {
  const { set, channels, peers } = await connected(1);
  const [peer] = peers as [(typeof peers)[0]];
  channels[0]!.freeze("there");
  const asked = [
    peer.acquire({ db: 2, tokens: 7 }),
    peer.tryAcquire({ tokens: 3, db: 0 }),
    peer.tryAcquire({ tokens: 60, db: 0 }),
  ];
  await nextTurn();
  set.redefine([calls(10, 1000), rate("tokens", 50, 1000)]);
  channels[0]!.thaw("there");
  const [first, second, third] = await Promise.allSettled(asked);
  expect(first).toMatchObject({ value: { requested: { call_count: 1, tokens: 7 } } });
  expect(second).toMatchObject({ value: { requested: { call_count: 1, tokens: 3 } } });
  expect(third).toMatchObject({ reason: { code: "ERR_INVALID_REQUEST" } });
  for (const each of [first, second]) {
    const acquisition = (each as PromiseFulfilledResult<Awaited<(typeof asked)[0]>>).value;
    acquisition.update({ tokens: 1 });
    acquisition.release();
  }
  await settle();
  expect([set.stats().tokens.used, set.stats().call_count.used]).toEqual([2, 2]);
});

test("a grant from between two redefinitions of one turn goes by the limits in between", async () => {
  const { set, peers } = await connected(1);
  const [peer] = peers as [(typeof peers)[0]];
  const holder = set.tryAcquire({ db: 2, tokens: 0 });
  const waiter = peer.acquire({ db: 1, tokens: 9 });
  await settle();
  set.redefine([rate("tokens", 50, 1000), calls(10, 1000), resource("db", 2)]);
  holder.update({ tokens: 0 });
  holder.release();
  set.redefine([resource("db", 2), rate("tokens", 40, 1000)]);
  const granted = await waiter;
  expect(granted.requested).toEqual({ tokens: 9, call_count: 1, db: 1 });
  granted.update({ tokens: 4 });
  granted.release();
  await settle();
  expect([set.stats().tokens.used, set.stats().db.used]).toEqual([4, 0]);
  expect(peer.keys).toEqual(["db", "tokens"]);
});

test("the function form runs again if another was first", async () => {
  const { set, peers } = await connected(2);
  const seen: number[] = [];
  await Promise.all(
    peers.map((peer) =>
      peer.redefine((current) => {
        const { capacity } = current.find(({ key }) => key === "tokens")!;
        seen.push(capacity);
        return [rate("tokens", capacity + 1, 1000)];
      }),
    ),
  );
  expect(set.get("tokens").capacity).toBe(102);
  expect(seen).toEqual([100, 100, 101]);
});

test("a peer of a peer follows too", async () => {
  const { set, peers } = await connected(1);
  const { here, there } = jsonChannel();
  serveLimits(peers[0]!, there);
  const far = connectLimits<Keys>(here);
  onTestFinished(() => far.close());
  const held = await far.acquire({ db: 1, tokens: 10 });
  await far.redefine((current) => current.map((limit) => ({ ...limit, capacity: limit.capacity + 1 })));
  expect([set.get("db").capacity, far.get("db").capacity]).toEqual([3, 3]);
  set.redefine([rate("tokens", 30, 1000), resource("db", 9)]);
  await settle();
  expect(far.keys).toEqual(["tokens", "db"]);
  held.update({ tokens: 6 });
  held.release();
  await settle();
  expect([set.stats().tokens.used, set.stats().db.used]).toEqual([6, 0]);
});

test("a peer of an earlier version is told why its connection ends", async () => {
  const { set } = await connected(0);
  const { here, there, sent } = jsonChannel();
  serveLimits(set, there);
  here.receive(() => {});
  here.send({ limitset: "", to: "host", session: 5, ops: [[0, 2]] });
  await settle();
  set.redefine([rate("tokens", 30, 1000)]);
  await settle();
  expect(JSON.stringify(sent.there.at(-1))).toContain("the peer is older than redefine()");
});

test("a host of an earlier version is told from one that fails", async () => {
  const { here, there } = jsonChannel();
  there.receive((message) => {
    const { session, ops } = message as { session: number; ops: unknown[][] };
    if (ops[0]![0] !== 0) return;
    const limits = [{ type: "rate", key: "tokens", capacity: 1, windowMs: 1 }];
    there.send({ limitset: "", to: "peer", session, ops: [[1, 2, limits, {}, "throw", false, null, 11]] });
  });
  const limits = connectLimits<Keys>(here);
  onTestFinished(() => limits.close());
  await expect(limits.redefine([])).rejects.toThrow(BackendUnavailableError);
  await expect(limits.redefine(() => [])).rejects.toThrow("older than redefine()");
});

test("a peer that reads nothing is sent few definitions", async () => {
  const { set } = await connected(0);
  const { here, there, sent } = jsonChannel();
  serveLimits(set, there);
  here.receive(() => {});
  here.send({ limitset: "", to: "host", session: 5, ops: [[0, 2, 13]] });
  await settle();
  for (let i = 0; i < 100; i++) {
    set.redefine([rate("tokens", 30 + i, 1000)]);
    await nextTurn();
  }
  expect(sent.there.length).toBeLessThan(6);
});
