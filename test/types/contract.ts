import {
  type Acquisition,
  type Clock,
  LimitError,
  LimitSet,
  type LimitStats,
  type Limits,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import type { Equal, Expect } from "./equality.ts";

const set = new LimitSet({
  limits: [
    new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 }),
    new ResourceLimit({ key: "db", capacity: 3 }),
  ],
});

// A LimitSet is a Limits of its keys, and a Limits of any keys.
export const exact: Limits<"tokens" | "db"> = set;
export const any: Limits = set;
export const none: Limits<never> = new LimitSet();
// @ts-expect-error -- the set has no such key
export const other: Limits<"tokens" | "bytes"> = set;

// Some backends answer later, so that code for any backend has to await.
declare const somewhere: Limits<"tokens" | "db">;

export async function portable(): Promise<number> {
  // @ts-expect-error -- perhaps a promise
  somewhere.tryAcquire({ tokens: 1 }).successful;
  // @ts-expect-error -- perhaps a promise
  somewhere.peek({ tokens: 1 }).successful;
  // @ts-expect-error -- perhaps a promise
  somewhere.stats().tokens;
  // @ts-expect-error -- misspelt
  await somewhere.acquire({ tokns: 1 });
  // @ts-expect-error -- no thread can block for it
  somewhere.acquireSync({ tokens: 1 });

  const acq: Acquisition<"tokens" | "db"> = await somewhere.tryAcquire({ tokens: 1 });
  acq.update({ tokens: 1 });
  acq.release();
  const { used }: LimitStats = (await somewhere.stats()).tokens;
  const { available }: LimitStats = await somewhere.get("tokens").stats();
  await somewhere.close();
  return used + available;
}

// The answers of a LimitSet are values.
const now = set.tryAcquire({ tokens: 1 }).successful;
const used = set.stats().tokens.used;
const free = set.get("tokens").stats().available;

/** The members of the contract. */
export type Members = [
  Expect<
    Equal<
      keyof Limits,
      | "acquire"
      | "tryAcquire"
      | "peek"
      | "run"
      | "for"
      | "stats"
      | "get"
      | "keys"
      | "config"
      | "waiting"
      | "close"
      | "pause"
      | "resume"
      | "charge"
      | "lower"
      | "reset"
      | "redefine"
    >
  >,
  Expect<Equal<typeof now, boolean>>,
  Expect<Equal<typeof used | typeof free, number>>,
  Expect<Equal<LimitError["code"], string>>,
];

// A manual clock, and a clock of one's own.
export const clocks: Clock[] = [
  new ManualClock(),
  { now: () => 0, setTimeout: (callback, ms) => setTimeout(callback, ms), clearTimeout: () => {} },
];

export function describeError(error: unknown): string {
  return error instanceof LimitError ? error.code : String(error);
}
