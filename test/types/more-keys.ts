/** Code for a set with some keys takes a set that has more, and none that has others. */
import {
  type Acquisition,
  CallLimit,
  LimitSet,
  type LimitStats,
  type Limits,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import { connectLimits } from "../../src/port/index.ts";
import type { RedisAcquisition, RedisLimitSet } from "../../src/redis/index.ts";
import type { Equal, Expect } from "./equality.ts";

const tokens = new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 })] });
const more = new LimitSet({
  limits: [
    new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 }),
    new CallLimit({ capacity: 10, windowMs: 1000 }),
  ],
});
const other = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
const none = new LimitSet();
declare const redis: RedisLimitSet<"tokens" | "db">;

/** Asks for tokens, on any set that has them. */
async function spend(limits: Limits<"tokens">): Promise<number> {
  const acquisition = await limits.acquire({ tokens: 5 });
  report(acquisition);
  acquisition.release();
  // @ts-expect-error: misspelt
  await limits.acquire({ tokns: 5 });
  // @ts-expect-error: perhaps the set has that limit, perhaps not
  await limits.acquire({ call_count: 1 });
  const stats = await limits.stats();
  const { used }: LimitStats = stats.tokens;
  const { available }: LimitStats = await limits.get("tokens").stats();
  const names: readonly string[] = limits.keys;
  return used + available + names.length + Object.keys(stats).length;
}

function report(acquisition: Acquisition<"tokens">): void {
  acquisition.update({ tokens: 1 });
  // @ts-expect-error: misspelt
  acquisition.update({ tokns: 1 });
  // The set may have more limits than this code knows.
  const by: readonly string[] = acquisition.limitedBy;
  // @ts-expect-error: so the keys that refused are not only those that it knows
  const only: readonly "tokens"[] = acquisition.limitedBy;
  void [by, only];
}

export const spent = [
  spend(tokens),
  spend(more),
  spend(redis),
  spend(connectLimits<"tokens" | "db">(new MessageChannel().port1)),
];
// @ts-expect-error: it has no tokens
spend(other);
// @ts-expect-error: it has no limits
spend(none);
report(more.tryAcquire({ tokens: 1 }));
// @ts-expect-error: it has no tokens
report(other.tryAcquire());
declare const leased: RedisAcquisition<"tokens" | "db">;
report(leased);

/** A set itself knows all its keys. */
export type Exact = [
  Expect<Equal<(typeof more)["keys"], readonly ("tokens" | "call_count")[]>>,
  Expect<Equal<ReturnType<(typeof more)["tryAcquire"]>["limitedBy"], readonly ("tokens" | "call_count")[]>>,
  Expect<Equal<keyof ReturnType<(typeof more)["stats"]>, "tokens" | "call_count">>,
];

// What is asked and what is answered are two parameters: metrics and keys can differ.
declare const metered: Limits<"tokens", "per_minute" | "per_day">;
export async function metrics(): Promise<LimitStats[]> {
  await metered.acquire({ tokens: 5 });
  // @ts-expect-error: a key is no metric
  await metered.acquire({ per_day: 5 });
  const { per_minute, per_day } = await metered.stats();
  return [per_minute, per_day];
}
export const oneKey: Limits<"tokens", "per_day"> = metered;
export const anyKey: Limits<"tokens", string> = metered;
// @ts-expect-error: it does not have that key
export const otherKey: Limits<"tokens", "per_hour"> = metered;

// Code that is generic in its keys takes the sets of these keys.
export function generic<K extends string>(set: LimitSet<K>): Limits<K> {
  return set;
}

// Sets of all kinds in one place.
const byName = new Map<string, LimitSet>();
byName.set("tokens", tokens).set("more", more).set("none", none);
void byName.get("tokens")?.acquire({ tokens: 1 });
export const list: LimitSet[] = [tokens, more, other, none];
const remote = new Map<string, Limits>();
remote.set("tokens", tokens).set("redis", redis).set("none", none);
const servers = new Map<string, RedisLimitSet>();
servers.set("redis", redis);
export class Budget extends LimitSet<"tokens"> {
  constructor() {
    super({ limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 })] });
  }
}
void spend(new Budget());
