/** How the partitions of a set that is redefined go over to the next ones: a few with each call, so that none takes long. */
import {
  FROM_TABLE,
  HEIR_BYTES,
  HEIRS,
  NEXT_TIER,
  OLD,
  OLD_MODE,
  OLD_REGION,
  OLD_SCRATCH,
  PART_BYTES,
  PART_COUNT,
  PARTS,
  PASSAGE,
  PASSED_AT,
  TABLE_BYTES,
  TABLES,
  TO_TABLE,
} from "../../assembly/partitions/layout.ts";
import type { Heir } from "./heir.ts";
import { MODES, type Part } from "./inherit.ts";

/** Which dimensions and tiers go on. */
export interface Followers {
  /** For each dimension the number that it had before; below 0 if it is new. */
  readonly dimensions: readonly number[];
  /** For each tier that there was, 0 first, its number from now on; 0 if it is gone. */
  readonly tiers: readonly number[];
}

/** How the partitions of a set that is redefined go over. */
export interface Passage extends Followers {
  /** The regions under the old and the new definitions, with the time and the limits of all passed on. */
  readonly from: Part;
  readonly to: Part;
  /** For each limit, the one that it follows: of the same dimension. */
  readonly heirs: readonly Heir[];
  readonly mode: keyof typeof MODES;
  /** When the set is redefined, in microseconds. */
  readonly time: number;
}

/** The size of the plan of a passage, with so many limits. */
export function passageBytes(limits: number): number {
  return HEIRS + limits * HEIR_BYTES;
}

/** Writes the plan of a passage to `at`, for the partitions `old` and `next`. */
export function writePassage(
  buffer: ArrayBufferLike,
  at: number,
  old: number,
  next: number,
  { from, dimensions, tiers, heirs, mode, time }: Passage,
): void {
  const words = new Int32Array(buffer);
  const read = (address: number) => words[address / 4]! >>> 0;
  const write = (address: number, value: number) => {
    words[address / 4] = value;
  };
  write(next + PASSAGE, at);
  write(at + OLD, old);
  write(at + OLD_REGION, from.start);
  write(at + OLD_SCRATCH, from.scratch);
  write(at + OLD_MODE, MODES[mode]);
  new BigInt64Array(buffer)[(at + PASSED_AT) / 8] = BigInt(time);
  heirs.forEach((heir, i) => {
    new Float64Array(buffer).set([heir.from, heir.ratio], (at + HEIRS + i * HEIR_BYTES) / 8);
  });
  dimensions.forEach((before, dimension) => {
    if (before < 0) return;
    const table = read(next + TABLES) + dimension * TABLE_BYTES;
    const oldTable = read(old + TABLES) + before * TABLE_BYTES;
    write(table + FROM_TABLE, oldTable);
    write(oldTable + TO_TABLE, table);
    const bytes = read(oldTable + PART_COUNT) * PART_BYTES;
    const parts = read(oldTable + PARTS);
    tiers.forEach((tier, i) => {
      write(parts + i * bytes + NEXT_TIER, tier);
    });
  });
}

/** How many names there are in a table, and in those before it. */
export function countIn(buffer: ArrayBufferLike, table: number, word: number): number {
  const words = new Int32Array(buffer);
  let count = 0;
  for (let at = table; at !== 0; at = words[(at + FROM_TABLE) / 4]! >>> 0) count += words[(at + word) / 4]!;
  return count;
}
