/** What a participant holds of the resources of a region. */
import {
  CEILING,
  DIMENSION_AT,
  HELD,
  HELD_BYTES,
  KIND,
  LIMIT_FLAGS,
  RESOURCE,
  STATE,
} from "../../assembly/layout.ts";
import { type Address, definitionAt, presentBlock, wordOfDefinition } from "./block.ts";

/**
 * Whether the last request would be refused even if all other participants gave back what they hold. `heldApart` tells what this one holds
 * in the partitions which that has named, where threads share these.
 *
 * Other threads may overwrite the block meanwhile, and that does no harm: a participant's holdings are the same in each block that
 * was published since it changed them last, and are copied unchanged into the next. Only a reclaim changes them, to 0.
 */
export function exceedsAlone(
  address: Address,
  units: readonly number[],
  participant: number,
  heldApart?: (index: number) => number,
): boolean {
  const view = new DataView(address.buffer);
  const long = (at: number) => Number(view.getBigInt64(at, true));
  const block = presentBlock(address);
  return units.some((count, i) => {
    const word = (at: number) => wordOfDefinition(address, i, at);
    if (count === 0 || word(KIND) !== RESOURCE) return false;
    // Of partitions that threads share the block has the sum. Of others it has the one that was asked last.
    const isApart = heldApart !== undefined && word(LIMIT_FLAGS) >> DIMENSION_AT !== 0;
    const held = isApart ? heldApart(i) : long(block + word(STATE) + HELD + participant * HELD_BYTES);
    return held + count > long(definitionAt(address, i) + CEILING);
  });
}
