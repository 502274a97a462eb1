import { CallLimit, LimitSet, RateLimit, RateLimitAlgorithm, ResourceLimit } from "../../src/index.ts";
import type { Equal, Expect } from "./equality.ts";

const window = { capacity: 10, windowMs: 1000 };

new RateLimit({
  key: "x",
  ...window,
  algorithm: RateLimitAlgorithm.GCRA,
  burst: 5,
  unit: 0.1,
  overage: "debt",
});
new RateLimit({ key: "x", ...window, algorithm: "leaky-bucket" });
// @ts-expect-error -- no such algorithm
new RateLimit({ key: "x", ...window, algorithm: "bucket" });
// @ts-expect-error -- no such policy
new RateLimit({ key: "x", ...window, overage: "later" });
// @ts-expect-error -- no key
new RateLimit(window);
// @ts-expect-error -- no window
new RateLimit({ key: "x", capacity: 10 });
// @ts-expect-error -- no capacity
new RateLimit({ key: "x", windowMs: 10 });

new RateLimit({ key: "x", capacity: 10, every: "day", algorithm: "fixed-window" });
new CallLimit({
  capacity: 10,
  every: "month",
  timeZone: "Asia/Tokyo",
  algorithm: RateLimitAlgorithm.FixedWindow,
});
// @ts-expect-error -- only fixed windows are those of a calendar
new RateLimit({ key: "x", capacity: 10, every: "day" });
// @ts-expect-error -- only fixed windows are those of a calendar
new RateLimit({ key: "x", capacity: 10, every: "day", algorithm: "gcra" });
// @ts-expect-error -- the windows are either of one length or of a calendar
new RateLimit({ key: "x", capacity: 10, every: "day", windowMs: 1000, algorithm: "fixed-window" });
// @ts-expect-error -- no such window
new RateLimit({ key: "x", capacity: 10, every: "year", algorithm: "fixed-window" });
// @ts-expect-error -- only calendars have a time zone
new RateLimit({ key: "x", ...window, timeZone: "UTC", algorithm: "fixed-window" });
// @ts-expect-error -- no window
new CallLimit({ capacity: 10 });

new CallLimit({ ...window, algorithm: "gcra", burst: 5 });
new CallLimit({ key: "x", capacity: 10, windowMs: 1000 });
// @ts-expect-error -- all CallLimits count call_count
new CallLimit({ counts: "x", capacity: 10, windowMs: 1000 });
new RateLimit({ key: "x", counts: "tokens", ...window });
// @ts-expect-error -- a metric is a name
new RateLimit({ key: "x", counts: 5, ...window });
// @ts-expect-error -- a resource is counted by its key
new ResourceLimit({ key: "x", counts: "y", capacity: 10 });
// @ts-expect-error -- a call is a call
new CallLimit({ unit: 2, capacity: 10, windowMs: 1000 });

new ResourceLimit({ key: "x", capacity: 10 });
// @ts-expect-error -- a resource comes back at release, not with time
new ResourceLimit({ key: "x", capacity: 10, windowMs: 1000 });

const limit = new RateLimit({ key: "x", ...window });
// @ts-expect-error -- frozen
limit.capacity = 20;

/** What definitions read back. */
export type Fields = [
  Expect<Equal<typeof limit.type, "rate">>,
  Expect<Equal<CallLimit["type"], "call">>,
  Expect<Equal<ResourceLimit["type"], "resource">>,
  Expect<Equal<typeof limit.capacity, number>>,
  Expect<Equal<typeof limit.algorithm, RateLimitAlgorithm>>,
  Expect<
    Equal<RateLimitAlgorithm, "token-bucket" | "leaky-bucket" | "sliding-window" | "fixed-window" | "gcra">
  >,
  Expect<Equal<typeof RateLimitAlgorithm.TokenBucket, "token-bucket">>,
];

new RateLimit({ ...limit, capacity: 20 });
new LimitSet({
  limits: [
    { ...limit, capacity: 20 },
    { ...new CallLimit(window), capacity: 20 },
  ],
});
new LimitSet({
  limits: [
    { type: "rate", key: "y", capacity: 10, every: "day", algorithm: "fixed-window" },
    { type: "call", capacity: 10, every: "week", timeZone: "UTC", algorithm: "fixed-window" },
  ],
});

const limits = [limit];
new LimitSet({ limits, shared: false, missingUpdate: "charge", config: { any: ["thing"] } });
// @ts-expect-error -- no such policy
new LimitSet({ limits, missingUpdate: "maybe" });
// @ts-expect-error -- a list
new LimitSet({ limits: limit });
// @ts-expect-error -- no such option
new LimitSet({ limits, clocks: 1 });
// @ts-expect-error -- limits are an option
new LimitSet([limit]);
// @ts-expect-error -- misspelt
new LimitSet({ limit: [limit] });
// @ts-expect-error -- misspelt
new RateLimit({ key: "x", capacity: 1, windowMs: 1, algorithm: "gcra", burts: 1 });
// @ts-expect-error -- calls are counted by 1
new CallLimit({ capacity: 1, windowMs: 1, unit: 1 });
// @ts-expect-error -- a resource has no window
new ResourceLimit({ key: "x", capacity: 1, windowMs: 1 });
// @ts-expect-error -- a clock has timers
new LimitSet({ limits, clock: { now: () => 0 } });
// @ts-expect-error -- plain objects are checked too
new LimitSet({ limits: [{ type: "rate", key: "x", capacity: 10 }] });
// @ts-expect-error -- no such type
new LimitSet({ limits: [{ type: "quota", key: "x", capacity: 10 }] });
