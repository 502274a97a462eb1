/** Where in memory a set's state is. JavaScript has this formula here and nowhere else. */
import {
  BLOCK_BYTES,
  BLOCKS,
  DEFINITION_BYTES,
  DEFINITIONS,
  HEAD,
  INDEX_MASK,
} from "../../assembly/layout.ts";

/** A region's place: its memory, and the address at which it begins. */
export interface Address {
  readonly buffer: ArrayBufferLike;
  readonly start: number;
}

/** The address of the block that the head names. Its words are there to be read, since the head is read atomically. */
export function presentBlock({ buffer, start }: Address): number {
  const region = new DataView(buffer, start);
  const index = Atomics.load(new Int32Array(buffer, start), HEAD / 4) & INDEX_MASK;
  return start + region.getInt32(BLOCKS, true) + index * region.getInt32(BLOCK_BYTES, true);
}

/** The address of the definition of limit `index`. */
export function definitionAt({ start }: Address, index: number): number {
  return start + DEFINITIONS + index * DEFINITION_BYTES;
}

/** A word of the definition of limit `index`: `STATE`, for example. */
export function wordOfDefinition(region: Address, index: number, word: number): number {
  return new DataView(region.buffer).getInt32(definitionAt(region, index) + word, true);
}
