/** The memory that a set has, and its end. */
import { watchGarbage } from "../platform/garbage.ts";
import type { Arena, Heap } from "./arena.ts";
import type { Desk, Desks } from "./desks.ts";
import type { Partitions } from "./partitions.ts";
import type { Sharing } from "./sharing.ts";

/** The memory that a region occupies, with this thread's part in it. Both are given back at the region's end. */
export interface Place {
  readonly heap: Heap;
  readonly start: number;
  readonly bytes: number;
  /** The arena that allocated the region; undefined if that is another thread's. */
  readonly arena: Arena | undefined;
  readonly sharing: Sharing | undefined;
  /** Those of the limits that have any. */
  readonly partitions?: Partitions | undefined;
  /** Where threads share these: the desk of this thread; and all of those at home, in the thread that made them. */
  readonly desk?: Desk | undefined;
  readonly desks?: Desks | undefined;
}

// A set that is dropped without `close` gives its region back too.
export const abandoned = /* @__PURE__ */ watchGarbage<Place>(giveBack);

export function giveBack({ arena, start, bytes, sharing, partitions, desks }: Place): void {
  sharing?.leave();
  partitions?.free();
  const isFree = () => {
    if (!(sharing?.abandon() ?? true)) return false;
    desks?.free();
    return true;
  };
  arena?.retire({ start, bytes, isFree });
}
