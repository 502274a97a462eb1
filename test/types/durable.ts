/** The types of Durable Objects: keys are inferred from the class, and the types of the platform fit. */
import type { DurableObjectNamespace, DurableObjectState } from "@cloudflare/workers-types";
import {
  connectDurable,
  type DurableLimits,
  type LeaseLostError,
  LimitSetObject,
  type ObjectNamespace,
  type ObjectState,
} from "../../src/cloudflare/index.ts";
import { CallLimit, type Limits, RateLimit, ResourceLimit } from "../../src/index.ts";
import type { Equal, Expect } from "./equality.ts";

class Budget extends LimitSetObject {
  static override limits = [
    new CallLimit({ capacity: 10, windowMs: 1000 }),
    new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 }),
    new ResourceLimit({ key: "db", capacity: 5 }),
  ];
  static override maxWaiting = 100;
  static override agingMs = 1000;
}

class PerUser extends LimitSetObject {
  static override limits = [
    new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000, per: "user" }),
    new ResourceLimit({ key: "db", capacity: 5, per: "ip" }),
    new CallLimit({ capacity: 10, windowMs: 1000 }),
  ];
}

class PlainPerUser extends LimitSetObject {
  static override readonly limits = [
    { type: "call", capacity: 10, windowMs: 1000, per: "user" },
    { type: "resource", key: "db", capacity: 5 },
  ] as const;
}

class Later extends LimitSetObject {
  protected override limitOptions() {
    return { limits: [new CallLimit({ capacity: 10, windowMs: 1000, per: "user" })] };
  }
}

class Plain extends LimitSetObject {
  static override readonly limits = [
    { type: "call", capacity: 10, windowMs: 1000 },
    { type: "resource", key: "db", capacity: 5 },
  ] as const;
}

declare const env: { readonly BUDGET: DurableObjectNamespace<Budget> };
declare const state: DurableObjectState;

// The types of the platform fit.
export const namespace: ObjectNamespace = env.BUDGET;
export const given: ObjectState = state;
export const hosted = new Budget(state, env);

const limits = connectDurable<typeof Budget>(env.BUDGET, "one");
const plain = connectDurable<typeof Plain>(env.BUDGET, "one");
const named = connectDurable<"tokens" | "db">(env.BUDGET, "one", { deadlineMs: 1000 });
const any = connectDurable(env.BUDGET, "one");

export type Keys = [
  Expect<
    Equal<typeof limits, DurableLimits<"call_count" | "tokens" | "db", "call_count" | "tokens" | "db", never>>
  >,
  Expect<Equal<typeof plain, DurableLimits<"call_count" | "db", "call_count" | "db", never>>>,
  Expect<Equal<typeof named, DurableLimits<"tokens" | "db">>>,
  Expect<Equal<typeof any, DurableLimits<string>>>,
];

const users = connectDurable<typeof PerUser>(env.BUDGET, "one");
const plainUsers = connectDurable<typeof PlainPerUser>(env.BUDGET, "one");
const alice = users.for({ user: "alice" }, { tier: "pro" });

/** Dimensions are inferred from the limits of the class. */
export type Dimensions = [
  Expect<Equal<keyof Awaited<typeof users.partitions>, "user" | "ip">>,
  Expect<Equal<keyof Awaited<typeof plainUsers.partitions>, "user">>,
  Expect<Equal<typeof alice, typeof users>>,
];
export const views: Limits<"tokens" | "db" | "call_count"> = alice.for({ ip: null });
export const more = [
  plainUsers.for({ user: "alice" }),
  connectDurable<typeof Later>(env.BUDGET, "one").for({ user: "a" }),
];
any.for({ user: "alice" });
named.for({ user: "alice" });
// @ts-expect-error -- misspelt
users.for({ usr: "alice" });
// @ts-expect-error -- misspelt
alice.for({ iip: "192.0.2.7" });
// @ts-expect-error -- no limit has a dimension
limits.for({ user: "alice" });
// @ts-expect-error -- misspelt
users.partitions.then(({ usr }) => usr.count);

export async function spend(): Promise<number> {
  const contract: Limits<"call_count" | "tokens" | "db"> = limits;
  await contract.close();
  // @ts-expect-error -- misspelt
  await limits.acquire({ tokns: 1 });
  // @ts-expect-error -- a promise
  limits.tryAcquire({ tokens: 1 }).successful;
  const acquisition = await limits.tryAcquire({ tokens: 1 });
  const lost: AbortSignal = acquisition.signal;
  await limits.ready;
  const reason: LeaseLostError = lost.reason;
  return reason.code.length + (await limits.stats()).tokens.used + (await limits.get("db").stats()).used;
}

// @ts-expect-error -- not a binding of Durable Objects
connectDurable({ get() {} }, "one");
// @ts-expect-error -- not a limit
connectDurable<{ limits: [{ type: "rat" }] }>(env.BUDGET, "one");
