/** What is known of an object's limits: by all requests of an isolate, so that only the first has to be told. */
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { Requests } from "../limits/requests.ts";
import type { ObjectNamespace } from "./bindings.ts";
import type { Facts } from "./protocol.ts";

export interface Known<K extends string> {
  readonly seal: string;
  readonly limits: readonly Limit<K>[];
  readonly requests: Requests<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaseMs: number;
}

const known = new WeakMap<ObjectNamespace, Map<string, Known<string>>>();

// So many objects of a namespace: beyond that they are told anew.
const MOST_NAMES = 10_000;

export function recall<K extends string>(namespace: ObjectNamespace, name: string): Known<K> | undefined {
  return known.get(namespace)?.get(name) as Known<K> | undefined;
}

export function learn<K extends string>(namespace: ObjectNamespace, name: string, facts: Facts): Known<K> {
  const { seal, config, missingUpdate, leaseMs } = facts;
  const limits = toLimits(facts.limits as readonly LimitLike<K>[]);
  const requests = new Requests<K>(limits);
  const learnt: Known<K> = {
    seal,
    limits,
    requests,
    config: Object.freeze({ ...config }),
    missingUpdate,
    leaseMs,
  };
  let names = known.get(namespace);
  if (!names || names.size >= MOST_NAMES) {
    names = new Map();
    known.set(namespace, names);
  }
  names.set(name, learnt as unknown as Known<string>);
  return learnt;
}
