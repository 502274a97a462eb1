/** The sizes of the tables in which the partitions of a set stand, one for each dimension. */
import { MAX_MARKS } from "../../assembly/layout.ts";
import { CHUNK_BYTES, LINE_PLACES, NODE_STATES, PINS } from "../../assembly/partitions/layout.ts";
import { type Definition, kindOf } from "./kinds.ts";
import type { CoreExports } from "./module.ts";

/** How many names of a dimension have a state of their own, and whether others are refused, or share one. */
export interface DimensionPlan {
  readonly max: number;
  readonly refuses: boolean;
}

export interface Table extends DimensionPlan {
  /** The indexes of its limits. */
  readonly limits: readonly number[];
  readonly lines: number;
  readonly nodeBytes: number;
  /** Where in a node the state of each limit begins. */
  readonly offsets: readonly number[];
  /** How many chunks are reserved for each name. */
  readonly chunks: number;
}

/** For each name and sliding window at most so many chunks are reserved. A name may have more, where others have fewer. */
const LOG_CHUNKS = 8;
const ENTRIES_IN_CHUNK = 4;
/** The marks of a debt that a node has no room for: of two words they need two chunks. */
const MARK_BYTES = 3 * 24;

export function tableOf(
  core: CoreExports,
  definitions: readonly Definition[],
  { max, refuses }: DimensionPlan,
  dimension: number,
): Table {
  const limits = definitions.flatMap(({ per }, index) => (per === dimension ? [index] : []));
  let nodeBytes = NODE_STATES;
  let chunks = 0;
  const offsets = limits.map((index) => {
    const tiers = underTiers(definitions[index]!);
    const offset = nodeBytes;
    nodeBytes += Math.max(...tiers.map((tier) => core.nodeBytes(kindOf(tier), 0)));
    chunks += Math.max(...tiers.map(chunksOf));
    return offset;
  });
  return { max, refuses, limits, lines: linesOf(max), nodeBytes, offsets, chunks };
}

/** A table that threads share. */
export interface SharedTable extends Omit<Table, "chunks"> {
  /** For each limit, how many items lie in a node. */
  readonly rooms: readonly number[];
}

/** The most entries of a log in a node that threads share, and how many there are beside those of single units. */
const MOST_ENTRIES = 33;
const MORE_ENTRIES = 4;

/** `least` says how many pairs or entries there has been room for before: those may be in use. */
export function sharedTableOf(
  core: CoreExports,
  definitions: readonly Definition[],
  { max, refuses }: DimensionPlan,
  dimension: number,
  participants: number,
  least: (limit: number) => number,
): SharedTable {
  const limits = definitions.flatMap(({ per }, index) => (per === dimension ? [index] : []));
  let nodeBytes = PINS + 2 * pinBytesOf(participants);
  const rooms = limits.map((index) => {
    const tiers = underTiers(definitions[index]!);
    const isKept = tiers.some(({ kind }) => kind === "resource" || kind === "sliding-window");
    const kept = isKept ? least(index) : 0;
    return Math.max(kept, ...tiers.map((each) => roomOf(each, participants)));
  });
  const offsets = limits.map((index, i) => {
    const offset = nodeBytes;
    const sizes = underTiers(definitions[index]!).map((tier) => core.nodeBytes(kindOf(tier), rooms[i]!));
    nodeBytes += Math.max(...sizes);
    return offset;
  });
  return { max, refuses, limits, lines: linesOf(max), nodeBytes, offsets, rooms };
}

/** The size of a row with one bit for each participant, in whole words. */
export function pinBytesOf(participants: number): number {
  return 8 * Math.ceil(participants / 64);
}

function roomOf({ kind, ceiling }: Definition, participants: number): number {
  if (kind === "sliding-window") return Math.min(MOST_ENTRIES, ceiling + MORE_ENTRIES);
  // As many participants hold something as there are units, at most.
  if (kind === "resource") return Math.min(ceiling, participants);
  return kind === "token-bucket" || kind === "gcra" ? MAX_MARKS : 0;
}

/** Twice as many places as names: a name finds one of its two lines full only where hundreds of millions have been before. */
function linesOf(max: number): number {
  return Math.ceil((2 * max) / LINE_PLACES);
}

/** A limit's definitions under all tiers, the limit itself first. */
export function underTiers(definition: Definition): Definition[] {
  return [definition, ...(definition.tiers ?? []).map((tier) => tier ?? definition)];
}

function chunksOf({ kind, ceiling }: Definition): number {
  if (kind === "sliding-window") {
    // A grant has a unit at least; charges come on top.
    return Math.min(LOG_CHUNKS, 1 + Math.ceil((ceiling - 1) / ENTRIES_IN_CHUNK));
  }
  return kind === "token-bucket" || kind === "gcra" ? Math.ceil(MARK_BYTES / CHUNK_BYTES) : 0;
}
