/** The hosted sets that this isolate has a description of: only its first HTTP request has to ask an object for it. */
import { type Era, firstEra } from "../limits/era.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { Requests } from "../limits/requests.ts";
import type { ObjectNamespace } from "./bindings.ts";
import type { SetDescription } from "./protocol.ts";

/** A hosted set by its description, ready to check requests. */
export interface KnownSet<M extends string, K extends string = M> {
  readonly descriptionId: string;
  readonly era: Era<M, K>;
  readonly limits: readonly Limit<K, M>[];
  readonly requests: Requests<M, K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaseMs: number;
}

const knownSets = new WeakMap<ObjectNamespace, Map<string, KnownSet<string>>>();

// A namespace may have any number of objects. When this many are known, all are forgotten, to be described again when needed.
const MOST_SETS = 10_000;

/** The set of the object `name`, if its description is known. */
export function recall<M extends string, K extends string = M>(
  namespace: ObjectNamespace,
  name: string,
): KnownSet<M, K> | undefined {
  return knownSets.get(namespace)?.get(name) as KnownSet<M, K> | undefined;
}

/** Remembers the description of the set of the object `name`, in place of an earlier one. */
export function remember<M extends string, K extends string = M>(
  namespace: ObjectNamespace,
  name: string,
  description: SetDescription,
): KnownSet<M, K> {
  const { id, config, missingUpdate, leaseMs } = description;
  const limits = toLimits(description.limits as readonly LimitLike<K, M>[]);
  const requests = new Requests<M, K>(limits);
  const known: KnownSet<M, K> = {
    descriptionId: id,
    era: firstEra(limits, requests),
    limits,
    requests,
    config: Object.freeze({ ...config }),
    missingUpdate,
    leaseMs,
  };
  let ofNamespace = knownSets.get(namespace);
  if (!ofNamespace || ofNamespace.size >= MOST_SETS) {
    ofNamespace = new Map();
    knownSets.set(namespace, ofNamespace);
  }
  ofNamespace.set(name, known as unknown as KnownSet<string>);
  return known;
}
