/** Listeners and waiting commands are as many as there is use for, however many acquisitions and waits there have been. */
import { type EventEmitter, getEventListeners, once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { RateLimit, ResourceLimit } from "limitset";
import { type IoredisLike, LeaseLostError, type NodeRedisLike, RedisLimitSet } from "limitset/redis";
import { createClient } from "redis";
import { expect, onTestFinished, test } from "vitest";
import { type Ear, serverOf } from "../../src/redis/client.ts";
import { LeaseSignals } from "../../src/redis/grant.ts";
import { Notifier } from "../../src/redis/notifier.ts";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const MANY = 10_000;

/** The warnings of Node until the test is over. */
function warnings(): string[] {
  const heard: string[] = [];
  const listener = (warning: Error) => heard.push(warning.name);
  process.on("warning", listener);
  onTestFinished(() => void process.off("warning", listener));
  return heard;
}

const timesOf = (emitter: EventEmitter) =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);

test("signals that follow a lease abort with it; those that are forgotten do not, and are not kept", () => {
  const signals = new LeaseSignals();
  const controllers = Array.from({ length: MANY }, () => new AbortController());
  const forgets = controllers.map((controller) => signals.follow(controller));
  expect(signals.size).toBe(MANY);
  for (const forget of forgets.slice(1)) forget();
  expect(signals.size).toBe(1);
  const reason = new LeaseLostError("a test");
  signals.abort(reason);
  expect(controllers.filter(({ signal }) => signal.aborted)).toEqual([controllers[0]]);
  const late = new AbortController();
  signals.follow(late);
  expect(late.signal.reason).toBe(reason);
  expect(signals.size).toBe(0);
});

describeRedis("listeners", () => {
  test("each acquisition has a signal of its own, and no signal collects listeners", async () => {
    const heard = warnings();
    const client = clientFor(await serverFor());
    const limits = [
      new ResourceLimit({ key: "slots", capacity: MANY }),
      new RateLimit({ key: "tokens", capacity: 10 * MANY, windowMs: 3_600_000 }),
    ];
    const set = new RedisLimitSet<string>({
      name: "many",
      limits,
      client,
      missingUpdate: "charge",
      leaseMs: 400,
    });
    onTestFinished(() => set.close());
    const acquire = (slots: number) =>
      Promise.all(Array.from({ length: MANY }, () => set.acquire({ slots, tokens: 1 })));
    const [holding, others] = [await acquire(1), await acquire(0)];
    const signals = [...holding, ...others].map((acquisition) => acquisition.signal);
    expect(new Set(signals).size).toBe(2 * MANY);
    for (const signal of signals) signal.addEventListener("abort", () => {});
    expect(Math.max(...signals.map((signal) => getEventListeners(signal, "abort").length))).toBe(1);
    expect(holding[0]!.signal).toBe(signals[0]);
    for (const acquisition of holding.slice(1)) acquisition.release();
    const kept = holding[0]!;
    const lost = once(kept.signal, "abort");
    await client.flushall();
    await lost;
    expect(kept.signal.reason).toBeInstanceOf(LeaseLostError);
    // Those that were released, and those that held no resource, have lost nothing.
    expect(signals.filter((signal) => signal.aborted)).toEqual([kept.signal]);
    const unasked = await set.acquire({ slots: 1, tokens: 1 });
    await client.flushall();
    await expect.poll(() => unasked.signal.aborted).toBe(true);
    unasked.release();
    expect(unasked.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(heard).toEqual([]);
  });

  const clients: Record<
    string,
    (port: number) => Promise<{ client: IoredisLike | NodeRedisLike; end: () => void }>
  > = {
    ioredis: async (port) => {
      const client = new Redis(port, "127.0.0.1", { retryStrategy: () => 50 });
      client.on("error", () => {});
      return { client, end: () => client.disconnect() };
    },
    "node-redis": async (port) => {
      const client = createClient({ socket: { port, host: "127.0.0.1", reconnectStrategy: () => 50 } });
      client.on("error", () => {});
      await client.connect();
      return { client: client as NodeRedisLike, end: () => client.destroy() };
    },
  };

  test.each(Object.keys(clients))(
    "waits come and go while %s is not connected, and leave nothing",
    async (name) => {
      const heard = warnings();
      const server = await serverFor();
      const { client, end } = await clients[name]!(server.port);
      onTestFinished(end);
      let ears = 0;
      const duplicate = client.duplicate.bind(client) as (
        options?: never,
      ) => EventEmitter & { stream?: Socket };
      let subscriber: ReturnType<typeof duplicate> | undefined;
      client.duplicate = (options?: never) => {
        ears++;
        subscriber = duplicate(options);
        return subscriber;
      };
      let commands = 0;
      const real = serverOf(client);
      const counted = {
        run: real.run,
        async ear(heard: (channel: string, message: string) => void, again: () => void): Promise<Ear> {
          const ear = await real.ear!(heard, again);
          const count = (ask: (channel: string) => Promise<unknown>) => (channel: string) => {
            commands++;
            return ask(channel);
          };
          return { ...ear, listen: count(ear.listen), ignore: count(ear.ignore) };
        },
      };
      const notifier = Notifier.of(client, counted);
      onTestFinished(() => notifier.retire());
      let notices = 0;
      const listen = () => notifier.listen("channel", () => notices++);
      const stop = listen();
      await expect.poll(() => notices).toBeGreaterThan(0);
      stop();
      await sleep(50);
      const before = timesOf(subscriber!);
      await server.kill();
      await sleep(100);
      commands = 0;
      for (let times = 0; times < MANY; times++) {
        listen()();
        if (times % 100 === 0) await sleep(0);
      }
      const last = listen();
      await sleep(0);
      const { stream } = subscriber!;
      if (stream) expect(timesOf(stream)).toBeLessThan(20);
      expect(timesOf(subscriber!)).toBeLessThanOrEqual(before + 10);
      expect(commands).toBeLessThanOrEqual(2);
      expect(ears).toBe(1);
      // Before the start: the client may connect before the test goes on.
      notices = 0;
      await server.start();
      await expect.poll(() => notices, { timeout: 10_000 }).toBeGreaterThan(0);
      // It hears a message, which another client sends.
      notices = 0;
      const speaker = clientFor(server);
      await expect
        .poll(async () => {
          await speaker.publish("channel", "x");
          return notices;
        })
        .toBeGreaterThan(0);
      last();
      expect(heard).toEqual([]);
    },
  );
});
