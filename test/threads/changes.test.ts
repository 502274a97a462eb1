/** Limits are changed in one thread while others wait or take. */
import { LimitSet, RateLimit, ResourceLimit } from "limitset";
import { expect, test } from "vitest";
import { Peer, until } from "./peer.ts";

const HOUR_MS = 3_600_000;
const any = (limits: unknown) => limits as LimitSet<never>;

function make() {
  return new LimitSet({
    limits: [
      new RateLimit({ key: "tokens", capacity: 100, windowMs: HOUR_MS }),
      new ResourceLimit({ key: "db", capacity: 4 }),
    ],
    missingUpdate: "charge",
  });
}

type Limits = ReturnType<typeof make>;
const cases: [string, (limits: Limits) => void, (limits: Limits) => void][] = [
  ["resume", (limits) => limits.pause(Number.POSITIVE_INFINITY), (limits) => limits.resume()],
  ["reset", (limits) => limits.charge({ tokens: 100 }), (limits) => limits.reset()],
];

for (const [name, close, open] of cases) {
  test(`${name} in one thread wakes a waiter in another`, async () => {
    const limits = make();
    const peer = new Peer(any(limits));
    close(limits);
    const there = peer.do("acquire", { tokens: 1 });
    // The thread answers in order: when this is answered, it waits.
    await peer.do("used", "db");
    open(limits);
    expect(await there).toBe(true);
  });

  test(`${name} in one thread wakes another that is blocked in acquireSync`, async () => {
    const limits = make();
    const peer = new Peer(any(limits));
    close(limits);
    await peer.do("thread");
    const blocked = peer.do<number>("acquireSync", { tokens: 1 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const openedAt = performance.timeOrigin + performance.now();
    open(limits);
    expect(await blocked).toBeGreaterThanOrEqual(openedAt - 0.1);
  });
}

test("the totals of all threads are the sum of what each has got, over deaths and numbers that are used again", async () => {
  const limits = make();
  let [granted, refused] = [0, 0];
  const count = (isGranted: unknown) => {
    if (isGranted) granted++;
    else refused++;
  };
  for (let life = 0; life < 4; life++) {
    const peers = [new Peer(any(limits)), new Peer(any(limits))];
    for (let i = 0; i < 30; i++) {
      const answers = peers.map((peer) => peer.do("take", { tokens: 0, db: 1 + (i % 2) }));
      for (const answer of await Promise.all(answers)) count(answer);
      count(limits.tryAcquire({ tokens: 0, db: 4 }).successful);
      if (i % 5 === 4) await peers[i % 2]!.do("release");
    }
    await Promise.all(peers.map((peer) => peer.kill()));
    await until(() => limits.stats().db.used === 0);
    expect(limits.stats().db).toMatchObject({ granted, refused });
  }
  expect(Math.min(granted, refused)).toBeGreaterThan(20);
});
