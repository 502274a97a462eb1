/** A peer that the host gave up, on a channel that does not tell of its end, and that comes back: it learns what it has lost. */
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { BackendUnavailableError, LimitSet } from "../../src/index.ts";
import {
  type ConnectedLimits,
  connectLimits,
  type LeasedAcquisition,
  LeaseLostError,
  serveLimits,
} from "../../src/port/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { Worker } from "../../src/worker/index.ts";
import { calls, rate, resource } from "../conformance/tools.ts";
import { collect } from "../keeping.ts";
import { type JsonChannel, jsonChannel } from "./channels.ts";

collect();
setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

type Keys = "db" | "tokens" | "call_count";

let set: LimitSet<Keys>;
let channel: JsonChannel;
let limits: ConnectedLimits<Keys>;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  set = new LimitSet({
    limits: [resource("db", 1), rate("tokens", 100, 1000), calls(50, 1000)],
    clock: new ManualClock(),
  });
  channel = jsonChannel({ tells: false });
  serveLimits(set, channel.there);
  limits = connectLimits<Keys>(channel.here);
  onTestFinished(() => limits.close());
  await limits.ready;
});

afterEach(() => {
  vi.useRealTimers();
});

const turns = async (count = 6) => {
  for (let i = 0; i < count; i++) await nextTurn();
};

/** Time passes, and messages travel. */
async function pass(ms: number) {
  for (let left = ms; left > 0; left -= 2_500) {
    vi.advanceTimersByTime(Math.min(left, 2_500));
    await turns(4);
  }
}

/** The peer is silent for so long that the host gives its holding away. */
async function sleep() {
  await turns();
  channel.freeze("here");
  await pass(26_000);
}

async function wake() {
  channel.thaw("here");
  await turns();
}

const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

describe("a peer that was silent for over 25 s, and comes back", () => {
  test("finds the signal of its acquisition aborted, with a LeaseLostError that says why", async () => {
    const mine = await limits.acquire({ db: 1 });
    const { signal } = mine;
    expect(signal.aborted).toBe(false);
    await sleep();
    const other = set.tryAcquire({ db: 1 });
    expect(other.successful).toBe(true);
    await wake();
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(LeaseLostError);
    expect(signal.reason.message).toContain("silent for 25 s");
    expect(mine.signal).toBe(signal);
    expect(set.stats().db.used).toBe(1);
  });

  test("finds it aborted also where it asks for the signal only then, or after the release", async () => {
    const mine = await limits.acquire({ db: 1 });
    await sleep();
    await wake();
    mine.release();
    expect(mine.signal.reason).toBeInstanceOf(LeaseLostError);
  });

  test("releases without an error, and the next holder keeps what it holds", async () => {
    for (const when of ["before it is told", "after it is told"]) {
      const peer = connectLimits<Keys>(channel.here);
      const mine = await peer.acquire({ db: 1, tokens: 10 });
      mine.update({ tokens: 4 });
      await sleep();
      const other = set.tryAcquire({ db: 1 });
      expect(other.successful, when).toBe(true);
      if (when === "after it is told") await wake();
      mine.release();
      mine.release();
      await wake();
      await turns();
      expect(set.stats().db.used, when).toBe(1);
      expect(set.tryAcquire({ db: 1 }).successful, when).toBe(false);
      other.release();
      expect(set.stats().db.used).toBe(0);
      peer.close();
    }
  });

  test("reports usage without an error or an effect: the host has charged its rates in full", async () => {
    const mine = await limits.acquire({ db: 1, tokens: 60 });
    const unreported = await limits.acquire({ tokens: 30, db: 0 });
    await sleep();
    await wake();
    mine.update({ tokens: 5 });
    mine.release();
    unreported.release();
    await turns();
    expect(set.stats()).toMatchObject({ db: { used: 0 }, tokens: { used: 90 }, call_count: { used: 2 } });
  });

  test("finds its waiters rejected, and nothing is granted to them", async () => {
    const mine = await limits.acquire({ db: 1 });
    const waiter = failure(limits.acquire({ db: 1 }));
    await sleep();
    expect(set.waiting).toBe(0);
    await wake();
    expect(await waiter).toBeInstanceOf(BackendUnavailableError);
    mine.release();
    await turns();
    expect(set.stats().db.used).toBe(0);
  });

  test("gets no acquisition from a grant that it reads together with the news of its end", async () => {
    const held = set.tryAcquire({ db: 1 });
    const waiter = failure(limits.acquire({ db: 1 }));
    await turns();
    channel.freeze("here", { merging: true });
    held.release();
    await pass(26_000);
    expect(set.stats().db.used).toBe(0);
    await wake();
    expect(await waiter).toBeInstanceOf(BackendUnavailableError);
  });

  test("finds nested acquisitions lost too, and can make no further one", async () => {
    const outer = await limits.acquire({ tokens: 10, db: 0 });
    const inner = await outer.acquire({ db: 1 });
    const [outerSignal, innerSignal] = [outer.signal, inner.signal];
    await sleep();
    await wake();
    expect(innerSignal.reason).toBeInstanceOf(LeaseLostError);
    expect(outerSignal.aborted).toBe(false); // It holds no resource.
    expect(await failure(inner.acquire({ tokens: 1 }))).toBeInstanceOf(BackendUnavailableError);
    inner.release();
    outer.update({ tokens: 1 });
    outer.release();
  });

  test("can stop the body of run by the signal, and run itself adds no error", async () => {
    const running = limits.run({ db: 1, tokens: 5 }, ({ signal }) => {
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
    });
    await sleep();
    await wake();
    expect(await running).toBeInstanceOf(LeaseLostError);
  });

  test("can connect again over the same channel", async () => {
    await limits.acquire({ db: 1 });
    await sleep();
    await wake();
    const again = connectLimits<Keys>(channel.here);
    const mine = await again.acquire({ db: 1 });
    expect(mine.signal.aborted).toBe(false);
    again.close();
    await turns();
    expect(mine.signal.aborted).toBe(false); // Its own close() is no loss.
    expect(set.stats().db.used).toBe(0);
  });
});

test("a peer behind a host that is a peer itself learns of a loss further on", async () => {
  const second = jsonChannel();
  serveLimits(limits, second.there);
  const far = connectLimits<Keys>(second.here);
  onTestFinished(() => far.close());
  const { signal } = await far.acquire({ db: 1 });
  const unasked = await far.acquire({ tokens: 1, db: 0 });
  const other = await far.tryAcquire({ db: 1 });
  expect(other.signal.aborted).toBe(false);
  await sleep();
  await wake();
  await turns();
  expect(signal.reason).toBeInstanceOf(LeaseLostError);
  expect(unasked.signal.aborted).toBe(false);
  expect(signal.reason.message).toContain("silent for 25 s");
});

test("a method of a worker sees the signal of what it has acquired", async () => {
  class Holder extends Worker {
    async hold() {
      const { signal } = (await this.limits.acquire({ db: 1 })) as LeasedAcquisition;
      await once(signal, "abort");
      return (signal.reason as LeaseLostError).code;
    }
  }
  const holder = Holder.options({ mode: "async", limits: limits as never }).init();
  const held = holder.hold();
  await sleep();
  await wake();
  expect(await held).toBe("ERR_LEASE_LOST");
  await holder.stop();
});

describe("a loss", () => {
  test("shows at the holder when the host stops serving, or when the channel ends", async () => {
    for (const how of ["stop", "close"]) {
      const own = jsonChannel();
      const service = serveLimits(set, own.there);
      const peer = connectLimits<Keys>(own.here);
      const { signal } = await peer.acquire({ db: 1 });
      if (how === "stop") service.stop();
      else own.close();
      await turns();
      expect(signal.reason, how).toBeInstanceOf(LeaseLostError);
      expect(set.stats().db.used).toBe(0);
    }
  });

  test("does not abort the signals of acquisitions that were released before", async () => {
    const released = await limits.acquire({ db: 1 });
    const { signal } = released;
    released.release();
    await limits.acquire({ db: 1 });
    await sleep();
    await wake();
    expect(signal.aborted).toBe(false);
    expect(released.signal.aborted).toBe(false);
  });

  test("that a host tells of an acquisition which the peer does not have is not kept", async () => {
    const before = await limits.acquire({ db: 1 });
    const { session } = channel.sent.here.at(-1) as { session: number };
    const ops = Array.from({ length: 10 }, (_, i) => [10, 1_000 + i, "no reason"]);
    channel.there.send({ limitset: "", to: "peer", session, ops });
    await turns();
    expect(before.signal.aborted).toBe(false);
    before.release();
    const next = await limits.acquire({ db: 1 });
    expect(next.signal.aborted).toBe(false);
  });
});

test("a signal of an acquisition that is dropped does not keep its resource", async () => {
  await (async () => {
    const dropped = await limits.acquire({ db: 1 });
    dropped.signal.addEventListener("abort", () => dropped.release());
  })();
  expect(set.stats().db.used).toBe(1);
  while (set.stats().db.used > 0) {
    gc();
    await nextTurn();
  }
});

test("a holder that awaits no answer hears the heartbeats of an endpoint that listens only while it is held", async () => {
  const own = jsonChannel({ tells: false });
  let holds = true;
  const peer = connectLimits<Keys>({
    send: own.here.send,
    receive: (listener) => own.here.receive((message) => holds && listener(message)),
    hold: (waiting) => {
      holds = waiting;
    },
  });
  serveLimits(set, own.there);
  const mine = await peer.acquire({ db: 1 });
  await turns();
  expect(holds).toBe(false);
  await pass(120_000);
  expect(set.stats().db.used).toBe(1);
  expect(holds).toBe(false);
  const { signal } = mine;
  await turns();
  expect([signal.aborted, holds]).toEqual([false, true]); // It could not hear of a loss otherwise.
  mine.release();
  await turns();
  expect([signal.aborted, holds]).toEqual([false, false]);
  peer.close();
});
