/** The hosted sets that this isolate has a description of: only its first HTTP request has to ask an object for it. */
import type { Era } from "../limits/era.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { requestsOf } from "../limits/named-requests.ts";
import type { Requests } from "../limits/requests.ts";
import { areAlike } from "../limits/sameness.ts";
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

/** Reads a description. The era is that of `before`, if this was the same one. */
export function read<M extends string, K extends string>(
  description: SetDescription,
  before: KnownSet<M, K> | undefined,
): KnownSet<M, K> {
  const { id, config, missingUpdate, leaseMs } = description;
  const era = eraOf(description, before?.era);
  return {
    descriptionId: id,
    era,
    limits: era.limits,
    requests: era.requests,
    config: Object.freeze({ ...config }),
    missingUpdate,
    leaseMs,
  };
}

/** Whether the object has described itself as `known` after it described itself as `other`. */
export function isLater(known: KnownSet<string>, other: KnownSet<string>): boolean {
  const [life, otherLife] = [known, other].map(({ descriptionId }) => descriptionId.split(" ", 1)[0]);
  return life === otherLife && known.era.number > other.era.number;
}

/** Remembers the set of the object `name`, in place of what was known of it. */
export function remember<M extends string, K extends string>(
  namespace: ObjectNamespace,
  name: string,
  known: KnownSet<M, K>,
): void {
  let ofNamespace = knownSets.get(namespace);
  if (!ofNamespace || ofNamespace.size >= MOST_SETS) {
    ofNamespace = new Map();
    knownSets.set(namespace, ofNamespace);
  }
  ofNamespace.set(name, known as unknown as KnownSet<string>);
}

function eraOf<M extends string, K extends string>(
  { era: number = 0, births, limits: described }: SetDescription,
  before: Era<M, K> | undefined,
): Era<M, K> {
  const limits = toLimits(described as readonly LimitLike<K, M>[]);
  if (before?.number === number && areAlike(before.limits, limits)) return before;
  const tenures = limits.map((_, i) => ({ birth: births?.[i] ?? 0, refundsFrom: 0 }));
  return { number, version: 0, limits, requests: requestsOf<M, K>(limits), tenures };
}
