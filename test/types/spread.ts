/** Handles tell which kind of set attaches by them, and names of spread sets are inferred from the limits. */
import { CallLimit, LimitSet, type Limits } from "../../src/index.ts";
import {
  attachLimits,
  type LimitSetHandle,
  SpreadLimitSet,
  type SpreadLimitSetHandle,
  shareLimits,
} from "../../src/threads/index.ts";
import type { Equal, Expect } from "./equality.ts";

const perUser = new CallLimit({ key: "calls", capacity: 2, windowMs: 1000, per: "user" });
const spread = new SpreadLimitSet({ limits: [perUser], heads: 2 });
const plain = new LimitSet({ limits: [perUser] });
const shared = shareLimits(spread);
const attached = attachLimits(shared.handle);

export type Inferred = [
  Expect<Equal<typeof shared.handle, SpreadLimitSetHandle<"call_count", "calls">>>,
  Expect<Equal<typeof attached, SpreadLimitSet<"call_count", "calls">>>,
  Expect<
    Equal<
      ReturnType<typeof shareLimits<"call_count", "calls">>["handle"],
      SpreadLimitSetHandle<"call_count", "calls">
    >
  >,
];

shareLimits(plain).handle satisfies LimitSetHandle<"call_count", "calls">;
attachLimits(shareLimits(plain).handle) satisfies LimitSet<"call_count", "calls">;
spread satisfies Limits<"call_count", "calls">;
spread.for({ user: "alice" }).for({ user: "bob" }).tryAcquire({ call_count: 1 }).release();
spread.partitions.user.count satisfies number;

// @ts-expect-error -- misspelt
spread.for({ usr: "alice" });
// @ts-expect-error -- misspelt
new SpreadLimitSet({ limits: [perUser], haeds: 2 });
// @ts-expect-error -- it has limits
new SpreadLimitSet({ heads: 2 });
