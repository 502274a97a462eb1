/** Where requests are laid down and answers are read: the heap itself, or a place before a region that threads share. */
import {
  ACTION,
  AFTER,
  COUNTED,
  INSPECT,
  PRESENT,
  REFUSER,
  REPORT_AFTER,
  REPORT_WORDS,
  TAKE,
  UNITS,
} from "../../assembly/layout.ts";
import { type Answer, FORGOTTEN, isGranted, MOVED, RECLAIMED } from "./answer.ts";
import type { Heap } from "./arena.ts";
import type { CoreExports } from "./module.ts";
import type { Sharing } from "./sharing.ts";

/** What a request needs. Engines inline the path of a take, so it is the same for both kinds. */
export interface Front {
  readonly f64: Float64Array;
  readonly core: Pick<CoreExports, "transact" | "takeKnown">;
}

/** The front of a region that threads share. */
export interface SharedFront extends Front {
  /** Does `call` with the request laid down, as `transact` of the core does; and has its answer then. */
  within(action: number, first: number, end: number, call: () => Answer): Answer;
}

/** In place of a reading, where none is needed. */
export const NO_TIME = -1;

/** The index of UNITS in the scratch area, counted from REFUSER, where an answer begins. */
export const FIRST_UNIT = (UNITS - REFUSER) / 8;

/** A reading, as the core takes it for a participant whose time is `shift` microseconds ahead of its readings. */
export function timeOf(now: number, shift: number): number {
  return shift === 0 || now === NO_TIME ? now : -2 - Math.floor(now * 1000 + 0.5) - shift;
}

/** The same front for a participant whose time is `shift` microseconds ahead of the readings that it is passed. */
export function shiftedFront(front: Front, shift: number): Front {
  const transact: CoreExports["transact"] = (start, scratch, life, now, action, since, first, end) => {
    return front.core.transact(start, scratch, life, timeOf(now, shift), action, since, first, end);
  };
  return {
    get f64() {
      return front.f64;
    },
    core: {
      transact,
      takeKnown: (per, start, scratch, now, ...rest) =>
        front.core.takeKnown(per, start, scratch, timeOf(now, shift), ...rest),
    },
  };
}

/**
 * The front of a region that threads share. A thread may be reclaimed at any moment, and its scratch area then passes to
 * another. So the request is written into the region, and the answer is copied out of it, only while this thread is inside. Once the
 * set has been redefined, the memory of the region may be used for another: it is looked at only while its number is the present one. `tells` is whether
 * a grant has to tell which limits have let it pass.
 */
export function sharedFront(
  heap: Heap,
  units: number,
  count: number,
  number: number,
  sharing: Sharing,
  tells: boolean,
): SharedFront {
  const f64 = new Float64Array(FIRST_UNIT + (REPORT_AFTER + REPORT_WORDS) * count);
  const words = new Int32Array(heap.memory.buffer);
  const present = (sharing.home + PRESENT) / 4;
  const lay = (action: number, first: number, end: number) => {
    const there = heap.f64;
    // All limits, since a claim of the request, too, is made of them.
    for (let i = 0; i < count; i++) {
      there[units + i] = end === 0 || (i >= first && i < end) ? f64[FIRST_UNIT + i]! : 0;
    }
    if (action & AFTER) {
      for (let i = 2 * count; i < 3 * count; i++) there[units + i] = f64[FIRST_UNIT + i]!;
    }
  };
  const read = (action: number, answer: Answer) => {
    if (!tells && (action & ACTION) === TAKE && isGranted(answer)) return;
    const there = heap.f64;
    const end = (action & ACTION) === INSPECT && action & COUNTED ? f64.length : FIRST_UNIT + 2 * count;
    for (let i = 0, at = units - FIRST_UNIT; i < end; i++, at++) f64[i] = there[at]!;
  };
  const transact: CoreExports["transact"] = (start, scratch, life, now, action, since, first, end) => {
    if (!sharing.enter()) return RECLAIMED;
    try {
      if (Atomics.load(words, present) !== number) return MOVED;
      lay(action, first, end);
      const answer = heap.core.transact(start, scratch, life, now, action, since, 0, 0) as Answer;
      read(action, answer);
      return answer;
    } finally {
      sharing.exit();
    }
  };
  const within: SharedFront["within"] = (action, first, end, call) => {
    if (!sharing.enter()) return RECLAIMED;
    try {
      if (Atomics.load(words, present) !== number) return MOVED;
      lay(action, first, end);
      const answer = call();
      read(action, answer);
      return answer;
    } finally {
      sharing.exit();
    }
  };
  // Threads remember no nodes: another may give them to other names at any time.
  return { f64, core: { transact, takeKnown: () => FORGOTTEN }, within };
}
