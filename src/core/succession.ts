/** The next region of a set that no other thread uses: it takes the place of the present one, which is given back. */

import { LATEST } from "../../assembly/layout.ts";
import type { Arena } from "./arena.ts";
import { presentBlock } from "./block.ts";
import type { Heir } from "./heir.ts";
import { type MODES, passRegion } from "./inherit.ts";
import type { Definition } from "./kinds.ts";
import type { Laid } from "./lay.ts";
import { partitionsOf } from "./names.ts";
import type { Partitions } from "./partitions.ts";
import type { Followers } from "./passage.ts";
import type { DimensionPlan } from "./tables.ts";

/** All that a set has from its redefinition on. */
export interface NextPlan {
  readonly definitions: readonly Definition[];
  /** The dimensions of its partitions. */
  readonly dimensions: readonly DimensionPlan[];
  readonly followers: Followers;
  /** For each limit, the one that it follows. */
  readonly heirs: readonly Heir[];
  readonly mode: keyof typeof MODES;
}

interface Place extends Laid {
  readonly partitions?: Partitions | undefined;
}

/** Lays out the region that follows the one at `place`, as that is at `time` in microseconds. */
export function succeed(arena: Arena, place: Place, plan: NextPlan, time: number): Place {
  const { definitions, dimensions, followers, heirs, mode } = plan;
  const { start, bytes, partitions: before } = place;
  const laid = passRegion(arena, { buffer: arena.memory.buffer, start }, definitions, heirs, mode, time);
  const partitions = partitionsOf(arena, laid, definitions, dimensions);
  const leave = () => arena.free(start, bytes);
  if (!partitions || !before) {
    before?.free();
    leave();
    return { ...laid, partitions };
  }
  const { buffer } = arena.memory;
  const partAt = (at: number) => ({ buffer, start: at, scratch: arena.core.scratchOf(at, 0) >>> 0 });
  const [from, to] = [partAt(start), partAt(laid.start)];
  // The time of the set is ahead of a reading that stands still.
  const passedAt = Number(new DataView(buffer).getBigInt64(presentBlock(to) + LATEST, true));
  partitions.inherit(before, { from, to, ...followers, heirs, mode, time: passedAt }, leave);
  return { ...laid, partitions };
}
