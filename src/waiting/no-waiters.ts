/** The waiters of a set before its first request has to wait. Its queue, with the lines, is made then: most sets need none. */
import type { Before, Waiters } from "./gate.ts";

export const NO_WAITERS: Waiters & Before = {
  size: 0,
  changes: 0,
  waitingFor: () => 0,
  standingAt: () => 0,
  countBefore: () => 0,
  demandsBefore: () => [],
};
