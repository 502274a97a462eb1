/** The dimensions of a set are inferred from its limits. */
import {
  CallLimit,
  type Limit,
  LimitSet,
  type LimitSetView,
  type Limits,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import type { Equal, Expect } from "./equality.ts";

const perUser = new CallLimit({ capacity: 2, windowMs: 1000, per: "user", tiers: { pro: { capacity: 9 } } });
const perAddress = new ResourceLimit({ key: "slots", capacity: 2, per: "ip" });
const ofAll = new RateLimit({ key: "tokens", capacity: 2, windowMs: 1000 });
const limits = new LimitSet({
  limits: [perUser, perAddress, ofAll],
  fairBy: "user",
  partitions: { ip: { max: 5 } },
});
const plain = new LimitSet({
  limits: [{ type: "rate", key: "tokens", capacity: 2, windowMs: 1000, per: "user" }],
});

const alice = limits.for({ user: "alice", ip: null }, { tier: "pro" });
alice.tryAcquire({ tokens: 1 }).release();
alice.for({ ip: "192.0.2.7" }).stats().slots.used;
plain.for({ user: "alice" });
limits.for({});

// @ts-expect-error -- misspelt
limits.for({ usr: "alice" });
// @ts-expect-error -- a name is a string
limits.for({ user: 5 });
// @ts-expect-error -- no such option
limits.for({ user: "alice" }, { tyer: "pro" });
// @ts-expect-error -- misspelt
alice.for({ iip: "192.0.2.7" });
// @ts-expect-error -- misspelt
alice.tryAcquire({ tokns: 5 });
// @ts-expect-error -- this set has no dimensions
new LimitSet({ limits: [ofAll] }).for({ user: "alice" });

export type Inferred = [
  Expect<Equal<typeof perUser.per, "user" | undefined>>,
  Expect<Equal<typeof ofAll.per, undefined>>,
  Expect<Equal<typeof limits.partitions.user.count, number>>,
  Expect<Equal<keyof typeof limits.partitions, "user" | "ip">>,
  Expect<
    Equal<
      typeof alice,
      LimitSetView<"call_count" | "slots" | "tokens", "call_count" | "slots" | "tokens", "user" | "ip">
    >
  >,
];

/** Code that takes any set can name partitions, and keeps the names in any view. */
export function nameThem(set: Limits<"tokens">): Limits<"tokens"> {
  return set.for({ user: "alice" });
}
nameThem(limits);
nameThem(alice);

export const any: Limit = perUser;

// @ts-expect-error: no limit is per "usr"
new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 2, per: "user" })], fairBy: "usr" });
new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 2, per: "user" })], fairBy: "user" });
