/** What a change of limits does in the core, and how a request may end. */
import { LOWER, PAUSE, RESET, RESUME } from "../../assembly/layout.ts";

export { ABORTED, REFUSED, TIMED_OUT } from "../../assembly/layout.ts";

/** What a change does: each needs a number for each limit, below 0 for those that it leaves alone. */
export type Change = "pause" | "resume" | "lower" | "reset";

export const ACTIONS: Readonly<Record<Change, number>> = {
  /** Microseconds from now. */
  pause: PAUSE,
  resume: RESUME,
  /** The units that are left at most. */
  lower: LOWER,
  /** The units that are missing at the beginning. */
  reset: RESET,
};
