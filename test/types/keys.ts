import {
  CallLimit,
  type Limit,
  type LimitLike,
  LimitSet,
  type LimitSet as LimitSetType,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import type { Equal, Expect } from "./equality.ts";

type KeyOf<S> = S extends LimitSetType<infer K> ? K : "no set";

const tokens = new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 });
const calls = new CallLimit({ capacity: 10, windowMs: 1000 });
const db = new ResourceLimit({ key: "db", capacity: 3 });

const each = {
  rate: new LimitSet({ limits: [tokens] }),
  call: new LimitSet({ limits: [calls] }),
  resource: new LimitSet({ limits: [db] }),
  all: new LimitSet({ limits: [tokens, calls, db] }),
  inline: new LimitSet({
    limits: [
      new RateLimit({ key: "bytes", capacity: 100, windowMs: 1000 }),
      new ResourceLimit({ key: "slots", capacity: 1 }),
    ],
  }),
  plain: new LimitSet({
    limits: [
      { type: "rate", key: "tokens", capacity: 100, windowMs: 1000, algorithm: "gcra", burst: 5 },
      { type: "resource", key: "db", capacity: 3 },
    ],
  }),
  mixed: new LimitSet({ limits: [tokens, { type: "resource", key: "slots", capacity: 3 }] }),
  mapped: new LimitSet({
    limits: (["a", "b"] as const).map((key) => new ResourceLimit({ key, capacity: 1 })),
  }),
};

/** The keys of a set are inferred from its limits. */
export type Inferred = [
  Expect<Equal<(typeof tokens)["key"], "tokens">>,
  Expect<Equal<(typeof calls)["key"], "call_count">>,
  Expect<Equal<(typeof db)["key"], "db">>,
  Expect<Equal<KeyOf<(typeof each)["rate"]>, "tokens">>,
  Expect<Equal<KeyOf<(typeof each)["call"]>, "call_count">>,
  Expect<Equal<KeyOf<(typeof each)["resource"]>, "db">>,
  Expect<Equal<KeyOf<(typeof each)["all"]>, "tokens" | "call_count" | "db">>,
  Expect<Equal<KeyOf<(typeof each)["inline"]>, "bytes" | "slots">>,
  Expect<Equal<KeyOf<(typeof each)["plain"]>, "tokens" | "db">>,
  Expect<Equal<KeyOf<(typeof each)["mixed"]>, "tokens" | "slots">>,
  Expect<Equal<KeyOf<(typeof each)["mapped"]>, "a" | "b">>,
];

const none = new LimitSet();
const noneEither = new LimitSet({});
const empty = new LimitSet({ limits: [] });

/** A set without limits has no keys. */
export type Empty = [
  Expect<Equal<KeyOf<typeof none>, never>>,
  Expect<Equal<KeyOf<typeof noneEither>, never>>,
  Expect<Equal<KeyOf<typeof empty>, never>>,
];

// A call limit as plain data need not name its key.
new LimitSet({ limits: [{ type: "call", capacity: 10, windowMs: 1000 }] });
const plainCalls = new LimitSet({
  limits: [
    { type: "call", key: "call_count", capacity: 10, windowMs: 1000 },
    { type: "resource", key: "db", capacity: 3 },
  ],
});
plainCalls.tryAcquire({ call_count: 2, db: 1 });
// @ts-expect-error -- misspelt
plainCalls.tryAcquire({ call_count: 2, dbb: 1 });

declare const limitsFromJson: Limit[];
declare const plainFromJson: LimitLike[];
const fromJson = new LimitSet({ limits: limitsFromJson });
const fromPlainJson = new LimitSet({ limits: plainFromJson });

/** The keys of limits from JSON are known only when the program runs. */
export type Dynamic = [
  Expect<Equal<KeyOf<typeof fromJson>, string>>,
  Expect<Equal<KeyOf<typeof fromPlainJson>, string>>,
];

fromJson.tryAcquire({ whatever: 5 });

// A limit has no methods to take from it: a set has.
// @ts-expect-error
tokens.acquire;
// @ts-expect-error
calls.tryAcquire;
// @ts-expect-error
db.release;
