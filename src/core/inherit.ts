/** Passes the state of a set on to a region with other definitions. */
import {
  AHEAD,
  INHERIT_AVAILABLE,
  INHERIT_FRESH,
  INHERIT_PROPORTIONAL,
  INHERIT_USED,
  LATEST,
  LIMITS,
  REPEATS,
  RESET_AT,
  SHIFT,
} from "../../assembly/layout.ts";
import type { Arena } from "./arena.ts";
import { type Address, presentBlock } from "./block.ts";
import type { Heir } from "./heir.ts";
import type { Definition } from "./kinds.ts";
import { type Laid, lay } from "./lay.ts";
import type { CoreExports } from "./module.ts";
import { carryCounts } from "./totals.ts";

export const MODES = {
  used: INHERIT_USED,
  available: INHERIT_AVAILABLE,
  proportional: INHERIT_PROPORTIONAL,
  fresh: INHERIT_FRESH,
} as const;

/** A region and the participant's scratch area in it. */
export interface Part extends Address {
  readonly scratch: number;
}

/**
 * Writes the state of the block `source` of the region `from` into the block `target` of the region `to`, whose words are all 0: one
 * `Inheritance` for each limit. `now` is in microseconds of the set's time. Only the target is written to.
 */
function passState(
  core: CoreExports,
  from: Part,
  source: number,
  to: Address,
  target: number,
  heirs: readonly Heir[],
  mode: keyof typeof MODES,
  now: number,
): void {
  const view = new DataView(to.buffer);
  const time = Math.max(now, Number(view.getBigInt64(source + LATEST, true)));
  view.setBigInt64(target + LATEST, BigInt(time), true);
  view.setBigInt64(target + RESET_AT, view.getBigInt64(source + RESET_AT, true), true);
  heirs.forEach((heir, into) => {
    const { from: index, ratio } = heir;
    if (index < 0) return;
    core.inherit(from.start, source, index, to.start, target, into, from.scratch, time, MODES[mode], ratio);
  });
}

/** Lays out a region for this thread alone, which inherits the state of the one at `from` as it is at `now`. */
export function passRegion(
  arena: Arena,
  from: Address,
  definitions: readonly Definition[],
  heirs: readonly Heir[],
  mode: keyof typeof MODES,
  now: number,
): Laid {
  const { core } = arena;
  const laid = lay(arena, { definitions, participants: 1 });
  // The memory may have grown.
  const { buffer } = arena.memory;
  const partAt = (start: number) => ({ buffer, start, scratch: core.scratchOf(start, 0) >>> 0 });
  const [old, next] = [partAt(from.start), partAt(laid.start)];
  const bytes = new Uint8Array(buffer);
  // The corrections of its time are two words, one behind the other.
  bytes.copyWithin(next.scratch + SHIFT, old.scratch + SHIFT, old.scratch + AHEAD + 8);
  bytes.copyWithin(next.scratch + REPEATS, old.scratch + REPEATS, old.scratch + REPEATS + 8);
  const limits = new Int32Array(buffer, from.start)[LIMITS / 4]!;
  carryCounts(buffer, old.scratch, limits, next.scratch, heirs);
  passState(core, old, presentBlock(old), next, presentBlock(next), heirs, mode, now);
  return laid;
}
