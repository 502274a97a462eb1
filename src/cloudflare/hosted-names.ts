/** The names by which clients and stored grants mean partitions. The object keeps their hashes only. */

import type { NameHash } from "../core/named-partitions.ts";
import { bytesOfHash, hashOfBytes } from "../core/rows.ts";
import { InvalidRequestError } from "../errors.ts";
import type { Era } from "../limits/era.ts";
import { NAMELESS, type Naming, nameMore } from "../limits/partition-names.ts";
import { knownOf } from "../views/shape.ts";
import type { SentNames } from "./protocol.ts";

/** The partitions of a stored grant. Objects that exist already have these fields in their storage, so their names are fixed. */
export interface StoredNames {
  /** By dimension: the hash of the name, or null where the view leaves the dimension out. */
  readonly hashes: Readonly<Record<string, Uint8Array | null>>;
  readonly tier?: string;
  /** The dimensions whose shared state it was taken from. */
  readonly shared?: readonly string[];
}

/**
 * The naming that a client has sent, in the `present` era. The client has checked that the limits which it knows have these dimensions and
 * this tier. Those that were dropped since are left out: nothing is taken of them.
 *
 * @throws {InvalidRequestError} if it makes no sense.
 */
export function namingOf(sent: SentNames, present: Era, hash: (name: string) => NameHash): Naming {
  const { names, tier } = typeof sent === "object" && sent !== null ? sent : ({} as Partial<SentNames>);
  if (typeof names !== "object" || names === null || !["string", "undefined"].includes(typeof tier))
    throw new InvalidRequestError("the host cannot read the names of the request");
  const known = knownOf(present);
  const entries = Object.entries(names).filter(([dimension]) => known.dimensions.includes(dimension));
  const options = tier !== undefined && known.tiers.includes(tier) ? { tier } : {};
  const naming = nameMore(NAMELESS, Object.fromEntries(entries), options, known);
  const hashes = new Map<string, NameHash>();
  const short = new Map<string, string | null>();
  for (const [dimension, name] of naming.names) {
    short.set(dimension, name && "");
    if (name !== null) hashes.set(dimension, hash(name));
  }
  return { names: short, tier: naming.tier, hashes };
}

/** The hashes of a naming, one entry a dimension. */
export function hashesOf({ hashes }: Naming, era: Era): readonly (NameHash | undefined)[] {
  return knownOf(era).dimensions.map((dimension) => hashes?.get(dimension));
}

/** A naming for the storage; `shared` are the dimensions of `era` whose shared state was taken from, one bit each. */
export function storedNames({ names, tier, hashes }: Naming, era: Era, shared: number): StoredNames {
  const entries = [...names].map(([dimension, name]) => [
    dimension,
    name === null ? null : bytesOfHash(hashes!.get(dimension)!),
  ]);
  const sharing = knownOf(era).dimensions.filter((_, i) => (shared >> i) & 1);
  return {
    hashes: Object.fromEntries(entries),
    ...(tier !== undefined && { tier }),
    ...(sharing.length > 0 && { shared: sharing }),
  };
}

/** The naming of a stored grant of `era`, and the dimensions whose shared state was taken from, one bit each. */
export function namingFrom(
  { hashes: stored, tier, shared: sharing = [] }: StoredNames,
  era: Era,
): readonly [Naming, shared: number] {
  const names = new Map<string, string | null>();
  const hashes = new Map<string, NameHash>();
  for (const [dimension, hash] of Object.entries(stored)) {
    names.set(dimension, hash && "");
    if (hash) hashes.set(dimension, hashOfBytes(hash));
  }
  let shared = 0;
  for (const [i, dimension] of knownOf(era).dimensions.entries())
    if (sharing.includes(dimension)) shared |= 1 << i;
  return [{ names, tier, hashes }, shared];
}
