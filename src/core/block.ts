/** Where in memory a set's state is. JavaScript has this formula here and nowhere else. */
import { DEFINITION_BYTES, DEFINITIONS, HEAD, HOME, LINE_BITS } from "../../assembly/layout.ts";

/** A region's place: its memory, and the address at which it begins. */
export interface Address {
  readonly buffer: ArrayBufferLike;
  readonly start: number;
}

/** The head word: which block is the present one, under a version that no other state of the set has. */
export function headOf({ buffer, start }: Address): bigint {
  const home = new Int32Array(buffer, start)[HOME / 4]! >>> 0;
  return Atomics.load(new BigInt64Array(buffer, home), HEAD / 8);
}

/** The address of the present block. Its words are there to be read, since the head is read atomically. */
export function presentBlock(address: Address): number {
  return blockOf(headOf(address));
}

/** The address of the block that a head names. */
export function blockOf(head: bigint): number {
  return Number(BigInt.asUintN(32, head << BigInt(LINE_BITS)));
}

/** The address of the definition of limit `index`. */
export function definitionAt({ start }: Address, index: number): number {
  return start + DEFINITIONS + index * DEFINITION_BYTES;
}

/** A word of the definition of limit `index`: `STATE`, for example. */
export function wordOfDefinition(region: Address, index: number, word: number): number {
  return new DataView(region.buffer).getInt32(definitionAt(region, index) + word, true);
}
