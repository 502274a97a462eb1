import {
  type Acquisition,
  CallLimit,
  LimitSet,
  type LimitStats,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import type { Equal, Expect, KeysOf } from "./equality.ts";

type Key = "tokens" | "call_count" | "db";

const limits = new LimitSet({
  limits: [
    new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 }),
    new CallLimit({ capacity: 10, windowMs: 1000 }),
    new ResourceLimit({ key: "db", capacity: 3 }),
  ],
});

export async function asking(signal: AbortSignal): Promise<void> {
  await limits.acquire();
  await limits.acquire({});
  await limits.acquire({ tokens: 5 });
  await limits.acquire({ tokens: 5, db: 2, call_count: 3 }, { timeoutMs: 100, signal });
  limits.tryAcquire({ db: 1 });
  limits.acquireSync({ db: 1 }, { timeoutMs: 100 });

  // @ts-expect-error -- misspelt
  await limits.acquire({ tokns: 5 });
  // @ts-expect-error -- misspelt
  limits.tryAcquire({ tokns: 5 });
  // @ts-expect-error -- misspelt
  limits.acquireSync({ tokens: 5, dbs: 1 });
  // @ts-expect-error -- misspelt
  await limits.run({ tokns: 5 }, async () => {});
  // @ts-expect-error -- an amount is a number
  await limits.acquire({ tokens: "5" });
  // @ts-expect-error -- null is no request
  await limits.acquire(null);
  // @ts-expect-error -- milliseconds are a number
  await limits.acquire({ tokens: 5 }, { timeoutMs: "5" });
  // @ts-expect-error -- no such option
  await limits.acquire({ tokens: 5 }, { timeout: 5 });
  // @ts-expect-error -- a blocked thread hears no signal
  limits.acquireSync({ tokens: 5 }, { signal });
}

export async function holding(): Promise<void> {
  using acq = await limits.acquire({ tokens: 5 });
  acq.update({ tokens: 3 });
  acq.update({ tokens: 3, call_count: 1 });
  // @ts-expect-error -- misspelt
  acq.update({ tokns: 3 });
  // @ts-expect-error -- an amount is a number
  acq.update({ tokens: "3" });
  // @ts-expect-error -- usage has to be named
  acq.update();

  await using inner = await acq.acquire({ db: 1 }, { timeoutMs: 5 });
  inner.update({ call_count: 0 });
  // @ts-expect-error -- misspelt
  await acq.acquire({ dbb: 1 });
  // @ts-expect-error -- read only
  acq.successful = false;
}

const tried = limits.tryAcquire({ tokens: 5 });
const promised = limits.acquire({ tokens: 5 });
const snapshot = limits.stats();

/** The types of answers. */
export type Results = [
  Expect<Equal<typeof tried, Acquisition<Key, Key>>>,
  Expect<Equal<typeof promised, Promise<Acquisition<Key, Key>>>>,
  Expect<Equal<KeysOf<(typeof tried)["requested"]>, Key>>,
  Expect<Equal<(typeof tried)["limitedBy"], readonly Key[]>>,
  Expect<Equal<(typeof tried)["successful"], boolean>>,
  Expect<Equal<(typeof tried)["retryAfterMs"], number>>,
  Expect<Equal<keyof typeof snapshot, Key>>,
  Expect<Equal<(typeof snapshot)["tokens"], LimitStats>>,
  Expect<Equal<(typeof limits)["keys"], readonly Key[]>>,
  Expect<Equal<(typeof limits)["waiting"], number>>,
  Expect<Equal<keyof ReturnType<LimitSet<never>["stats"]>, never>>,
];

// @ts-expect-error -- misspelt
snapshot.tokns;
// @ts-expect-error -- read only
snapshot.tokens.used = 0;
// @ts-expect-error -- misspelt
limits.get("tokns");

const definition = limits.get("db");
const figures: LimitStats = definition.stats();
export const capacity: number = definition.capacity + figures.capacity;

const running = limits.run({ tokens: 5 }, async (acq) => {
  acq.update({ tokens: 5 });
  return { answer: "text" };
});
const runningAtOnce = limits.run({ db: 1 }, () => 42);
const runningForNothing = limits.run(undefined, async () => {});

/** run resolves to the result of its body. */
export type Runs = [
  Expect<Equal<typeof running, Promise<{ answer: string }>>>,
  Expect<Equal<typeof runningAtOnce, Promise<number>>>,
  Expect<Equal<typeof runningForNothing, Promise<void>>>,
];

void limits.run({ tokens: 5 }, async (acq) => {
  // @ts-expect-error -- misspelt
  acq.update({ tokns: 5 });
});

const none = new LimitSet();
none.tryAcquire();
none.tryAcquire({});
// @ts-expect-error -- a set without limits knows no keys
none.tryAcquire({ tokens: 5 });
// @ts-expect-error -- a set without limits knows no keys
none.get("tokens");
