/** Priorities beside two other queues, on the same arrivals. */
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import Bottleneck from "bottleneck";
import PQueue from "p-queue";
import { expect, test } from "vitest";
import { LimitSet, ResourceLimit } from "../../src/index.ts";
import { die } from "../property/waiting-script.ts";

const TASKS = 200;
const PRIORITIES = 10;

type Run = (task: () => Promise<void>, priority: number) => unknown;

/** The order in which the tasks of a script begin. `start` is called when all have been handed over. */
async function orderOf(priorities: readonly number[], run: Run, start?: () => unknown): Promise<number[]> {
  const order: number[] = [];
  let ended = 0;
  priorities.forEach((priority, id) => {
    run(async () => {
      order.push(id);
      await nextTurn();
      ended++;
    }, priority);
  });
  await start?.();
  while (ended < priorities.length) await nextTurn();
  return order;
}

test.each([1, 2, 3, 4, 5])(
  "priorities order tasks as p-queue and bottleneck do (script %s)",
  async (seed) => {
    const roll = die(seed);
    const priorities = Array.from({ length: TASKS }, () => roll(PRIORITIES));
    const limits = new LimitSet({ limits: [new ResourceLimit({ key: "slots", capacity: 1 })] });
    const own = await orderOf(priorities, (task, priority) => limits.run({ slots: 1 }, task, { priority }));
    const queue = new PQueue({ concurrency: 1 });
    expect(await orderOf(priorities, (task, priority) => queue.add(task, { priority }))).toEqual(own);

    // Its order is defined among tasks that are queued: so it starts when all are. Its lower numbers go first.
    const bottleneck = new Bottleneck({ maxConcurrent: 1, reservoir: 0 });
    const theirs = await orderOf(
      priorities,
      (task, priority) => bottleneck.schedule({ priority: PRIORITIES - 1 - priority }, task),
      async () => {
        while ((bottleneck.counts().QUEUED ?? 0) < TASKS) await sleep(1);
        await bottleneck.updateSettings({ reservoir: TASKS });
      },
    );
    // The first task of the others begins before the rest has come.
    const behindFirst = (order: readonly number[]) => order.filter((id) => id !== 0);
    expect(behindFirst(theirs)).toEqual(behindFirst(own));
  },
);
