/** Waiters behind a pause stand aside: what they want of other limits does not count meanwhile. */
import { expect, test } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, rate, resource, states, take, watch } from "../conformance/tools.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

function make() {
  const clock = new ManualClock();
  const set = new LimitSet({
    limits: [calls(2, 1000), rate("tokens", 10, 1000), resource("db", 1)],
    clock,
    missingUpdate: "charge",
  });
  return { clock, set };
}

test("the pause of one limit does not close the others, though its waiters want all of these", async () => {
  const { clock, set } = make();
  set.pause(1000, ["tokens"]);
  const paused = [1, 2, 3].map(() => watch(set.acquire({ tokens: 1, db: 0 })));
  await turn();
  expect(set.tryAcquire({ call_count: 1, db: 0, tokens: 0 }).successful).toBe(true);
  expect(set.peek({ tokens: 1, db: 0 })).toMatchObject({ limitedBy: ["tokens"], ahead: 3 });
  expect(set.stats().call_count.waiting).toBe(3);
  clock.advance(1000);
  await turn();
  expect(states(paused)).toEqual(["granted", "granted", "pending"]);
  clock.advance(500);
  await turn();
  expect(states(paused)).toEqual(["granted", "granted", "granted"]);
});

test("a request that comes to the waiters of a paused limit stands aside with them", async () => {
  const { clock, set } = make();
  const first = watch(set.acquire({ tokens: 10, db: 0, call_count: 0 }));
  set.pause(100, ["tokens"]);
  const [second, third] = [
    watch(set.acquire({ tokens: 5, db: 0 })),
    watch(set.acquire({ tokens: 5, db: 0 })),
  ];
  await turn();
  await take(set, { call_count: 2, db: 0, tokens: 0 });
  clock.advance(100);
  await turn();
  expect(states([first, second, third])).toEqual(["granted", "pending", "pending"]);
  // From now on they count: this one would delay them.
  clock.advance(400);
  expect(set.tryAcquire({ call_count: 1, db: 0, tokens: 0 }).successful).toBe(false);
  clock.advance(100);
  await turn();
  expect(second.state).toBe("granted");
});

test("waiters of two paused limits come back when the longer pause has ended", async () => {
  const { clock, set } = make();
  const waiter = watch(set.acquire({ tokens: 10, db: 0 }));
  await turn();
  expect(waiter.state).toBe("granted");
  set.pause(100, ["tokens"]);
  const paused = watch(set.acquire({ tokens: 5 }));
  set.pause(300, ["db"]);
  set.pause(50, ["tokens"]);
  await turn();
  clock.advance(100);
  await take(set, { call_count: 1, db: 0, tokens: 0 });
  clock.advance(150);
  await turn();
  expect(set.peek({ tokens: 6, call_count: 0, db: 0 })).toMatchObject({ limitedBy: ["tokens"], ahead: 0 });
  clock.advance(50);
  await turn();
  expect(paused.state).toBe("pending");
  expect(set.peek({ tokens: 6, call_count: 0, db: 0 })).toMatchObject({ ahead: 1 });
  clock.advance(1000);
  await turn();
  expect(paused.state).toBe("granted");
});

test("a waiter that stands aside may leave, and the last one takes its line away", async () => {
  const { clock, set } = make();
  set.pause(Number.POSITIVE_INFINITY, ["tokens"]);
  const controller = new AbortController();
  const paused = [1, 2].map(() => watch(set.acquire({ tokens: 1, db: 0 }, { signal: controller.signal })));
  await turn();
  controller.abort();
  await turn();
  expect(states(paused)).toEqual(["rejected", "rejected"]);
  expect(set.waiting).toBe(0);
  expect(clock.pendingTimers).toBe(0);
  set.resume();
  await take(set, { tokens: 10, db: 0, call_count: 2 });
});

test("waiters that stand aside go on standing aside where the set is redefined", async () => {
  const { set } = make();
  set.pause(Number.POSITIVE_INFINITY, ["tokens"]);
  const paused = [1, 2, 3].map(() => watch(set.acquire({ tokens: 1, db: 0 })));
  await turn();
  set.redefine((current) => current.slice(0, 2));
  await take(set, { call_count: 1, tokens: 0 });
  set.resume();
  await turn();
  expect(states(paused)).toEqual(["granted", "pending", "pending"]);
});
