/** The rule of waiting where the queue, or the set itself, is elsewhere: in workerd, behind a port, on a second thread. */
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel, Worker } from "node:worker_threads";
import { afterAll, describe, vi } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { attachLimits, type LimitSetHandle } from "../../src/threads/index.ts";
import { LocalQueue } from "../../src/waiting/local-queue.ts";
import * as queues from "../../src/waiting/queue-for.ts";
import { WorkerdQueue } from "../../src/waiting/workerd-queue.ts";
import { runs } from "./settings.ts";
import { waitingHistories } from "./waiting-histories.ts";
import { type Open, START } from "./waiting-script.ts";

const { seed: SEED, numRuns: RUNS = 0 } = runs(2);
const seeds = Array.from({ length: RUNS }, (_, i) => SEED + i);

vi.mock("../../src/waiting/queue-for.ts", () => ({ queueFor: vi.fn() }));
const queueFor = vi.mocked(queues.queueFor);
queueFor.mockImplementation((limits, gate, options) => new LocalQueue(limits, gate, options));

describe("with the queue of workerd", () => {
  const open: Open = (options) => {
    queueFor.mockImplementationOnce((limits, gate, each) => new WorkerdQueue(limits, gate, each));
    const clock = new ManualClock(START);
    return {
      sets: [new LimitSet<string>({ ...options, clock })],
      moveTo: (ms) => clock.set(ms),
      async settled() {
        for (let i = 0; i < 20; i++) await null;
      },
    };
  };
  waitingHistories(seeds, open);
});

describe("behind two ports", () => {
  const open: Open = async (options) => {
    const clock = new ManualClock(START);
    const set = new LimitSet<string>({ ...options, clock });
    const ends = [new MessageChannel(), new MessageChannel()];
    const services = ends.map(({ port2 }) => serveLimits(set, port2));
    const sets = ends.map(({ port1 }) => connectLimits<string>(port1));
    await Promise.all(sets.map(({ ready }) => ready));
    return {
      sets,
      moveTo: (ms) => clock.set(ms),
      async settled() {
        // Messages keep their order: when these are answered, all earlier operations are done.
        for (let times = 0; times < 2; times++) {
          await Promise.all(sets.map((each) => each.stats()));
          await nextTurn();
        }
      },
      ended() {
        for (const service of services) service.stop();
        set.close();
        for (const { port1 } of ends) port1.close();
      },
    };
  };
  waitingHistories(seeds, open);
});

describe("on a second thread", () => {
  const creator = new Worker(new URL("../threads/creator.js", import.meta.url));
  afterAll(() => creator.terminate());

  const open: Open = async (options) => {
    creator.postMessage(options);
    const [handle] = (await once(creator, "message")) as [LimitSetHandle<string>];
    const clock = new ManualClock(START);
    return {
      sets: [attachLimits(handle, { clock })],
      moveTo: (ms) => clock.set(ms),
      async settled() {
        await nextTurn();
      },
    };
  };
  waitingHistories(seeds, open);
});
