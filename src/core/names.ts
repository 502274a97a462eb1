/** The partitions that a request means: one of each dimension, or none. */
import { FLOATED } from "../../assembly/partitions/layout.ts";
import type { Arena } from "./arena.ts";
import type { Definition } from "./kinds.ts";
import type { Laid } from "./lay.ts";
import type { NamedPartitions, NameHash } from "./named-partitions.ts";
import { Partitions } from "./partitions.ts";
import type { DimensionPlan } from "./tables.ts";

/** A partition whose node is remembered: its number, and half of the hash of its name. */
export interface Known {
  readonly node: number;
  readonly third: number;
  readonly fourth: number;
}

export class Names {
  /** For each dimension, the hash of the name; undefined where none is meant. */
  readonly hashes: readonly (NameHash | undefined)[];
  /** 0 for no tier. */
  readonly #tier: number;
  /**
   * Of the name of a set's only dimension: the number of the node from which a request has taken last, without a tier; half of the hash;
   * Without a node all are 0.
   */
  node = 0;
  third = 0;
  fourth = 0;
  /** Of which dimensions a grant was taken from the shared state, one bit each. */
  readonly shared: number;

  constructor(hashes: readonly (NameHash | undefined)[], tier: number, shared = 0) {
    this.hashes = hashes;
    this.#tier = tier;
    this.shared = shared;
  }

  /** Remembers the node from which a request of these names has just taken: 0 if it has taken from none of their own. */
  remember(node: number): void {
    const hash = this.hashes[0];
    if (hash === undefined || this.#tier !== 0) return;
    const [, , third, fourth] = hash;
    this.node = node;
    // Bits above are cut off.
    this.third = (third - FLOATED) | 0;
    this.fourth = (fourth - FLOATED) | 0;
  }

  /** The same, for a grant that was taken from the shared state of some dimensions. */
  sharing(shared: number): Names {
    if (shared === this.shared) return this;
    return new Names(this.hashes, this.#tier, shared);
  }

  /** A small number, which few other names of the dimension have. */
  keyOf(dimension: number): number {
    // The bits above are cut off, and two more: engines keep such numbers in less room.
    return this.hashes[dimension]![0] & 0x3fff_ffff;
  }

  /** Whether others name the same in a dimension that both name. */
  isSame(dimension: number, { hashes }: Names): boolean {
    return this.hashes[dimension]!.every((word, i) => word === hashes[dimension]![i]);
  }

  /** Says to the core which partitions the next call means. */
  tell(partitions: NamedPartitions): void {
    const hashes = this.hashes;
    for (let i = 0; i < hashes.length; i++) partitions.name(i, hashes[i], this.#tier);
  }

  /** The same, for the settlement of a grant. */
  tellGrant(partitions: NamedPartitions): void {
    this.tell(partitions);
    partitions.sharedTaken = this.shared;
  }
}

/** Names that mean no partition. */
export function nobodyIn({ dimensions }: NamedPartitions): Names {
  return new Names(Array.from({ length: dimensions }), 0);
}

/** The partitions of the limits of a region, if there are `dimensions`. Gives the region back if there is no room for them. */
export function partitionsOf(
  arena: Arena,
  { start, bytes }: Laid,
  definitions: readonly Definition[],
  dimensions: readonly DimensionPlan[],
): Partitions | undefined {
  if (dimensions.length === 0) return undefined;
  try {
    return new Partitions(arena, start, definitions, dimensions);
  } catch (error) {
    arena.free(start, bytes);
    throw error;
  }
}
