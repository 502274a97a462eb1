/** Metrics are inferred for requests, keys for answers. */
import {
  CallLimit,
  LimitSet,
  type LimitSet as LimitSetType,
  type Limits,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import type { Equal, Expect, KeysOf } from "./equality.ts";

const perMinute = new RateLimit({ key: "per_minute", counts: "tokens", capacity: 100, windowMs: 60_000 });
const perDay = new RateLimit({ key: "per_day", counts: "tokens", capacity: 1000, windowMs: 86_400_000 });
const perSecond = new CallLimit({ key: "per_second", capacity: 4, windowMs: 1000 });
const calls = new CallLimit({ capacity: 60, windowMs: 60_000 });
const db = new ResourceLimit({ key: "db", capacity: 3 });

const set = new LimitSet({ limits: [perMinute, perDay, perSecond, calls, db] });
const inline = new LimitSet({
  limits: [
    new RateLimit({ key: "bytes", capacity: 100, windowMs: 1000 }),
    new RateLimit({ key: "bytes_a_day", counts: "bytes", capacity: 100, windowMs: 1000 }),
    new CallLimit({ capacity: 4, windowMs: 1000 }),
    { type: "resource", key: "slots", capacity: 3 },
  ],
});

type Metric = "tokens" | "call_count" | "db";
type Key = "per_minute" | "per_day" | "per_second" | "call_count" | "db";

export type Inferred = [
  Expect<Equal<typeof perDay.counts, "tokens">>,
  Expect<Equal<typeof perDay.key, "per_day">>,
  Expect<Equal<typeof perSecond.counts, "call_count">>,
  Expect<Equal<typeof set, LimitSetType<Metric, Key, never>>>,
  Expect<
    Equal<
      typeof inline,
      LimitSetType<"bytes" | "call_count" | "slots", "bytes" | "bytes_a_day" | "call_count" | "slots">
    >
  >,
];

const tried = set.tryAcquire({ tokens: 5, call_count: 2 });
tried.update({ tokens: 3 });
// @ts-expect-error -- a key is no metric
set.tryAcquire({ per_day: 5 });
// @ts-expect-error -- a key is no metric
tried.update({ per_day: 5 });
// @ts-expect-error -- a metric is no key
set.stats().tokens;
// @ts-expect-error -- a metric is no key
set.get("tokens");
set.get("per_day");

export type Answered = [
  Expect<Equal<KeysOf<(typeof tried)["requested"]>, Metric>>,
  Expect<Equal<(typeof tried)["limitedBy"], readonly Key[]>>,
];

/** Code for a metric takes every set that has it, whatever its limits are called. */
export async function spend(limits: Limits<"tokens", never>): Promise<void> {
  const acquisition = await limits.acquire({ tokens: 5 });
  acquisition.update({ tokens: 1 });
}
void spend(set);
// @ts-expect-error -- it has no tokens
void spend(inline);
export const exact: Limits<"tokens" | "call_count" | "db", "per_day" | "per_minute"> = set;
