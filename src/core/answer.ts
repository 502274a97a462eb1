/**
 * The core's answer to a take or a probe. It is one number, since a number crosses from WebAssembly at no cost. Only the
 * functions below read it:
 *
 * - 0 or more: granted, at that microsecond;
 * - below 0: refused, minus the milliseconds until it could pass, -Infinity if only a release helps;
 * - the lowest number of all: the clock's reading is behind the state, and the participant's time has to be corrected first. Only
 *   the bridge sees this answer;
 * - half of that: the set has been redefined, and this thread has to move to its present region first;
 * - a quarter of it: the core has to be told the present window of a calendar. Only the bridge sees this answer, too;
 * - NaN: another thread has reclaimed this thread's participant number.
 */
declare const answer: unique symbol;

export type Answer = number & { readonly [answer]: true };

/** The answer to a thread that has been reclaimed. */
export const RECLAIMED = Number.NaN as Answer;

/** Refused until a release. It is also the answer for a waiter that must not be granted any more. */
export const REFUSED = Number.NEGATIVE_INFINITY as Answer;

const BEHIND = -Number.MAX_VALUE as Answer;

/** The answer to a thread whose region is not the present one of its set any more. */
export const MOVED = (-Number.MAX_VALUE / 2) as Answer;

/** Nothing was done: the node of a name is not the one that was remembered, and the name has to be looked for. */
export const FORGOTTEN = (-Number.MAX_VALUE / 3) as Answer;

export function isBehind(given: Answer): boolean {
  return given === BEHIND;
}

/** Whether the core has done nothing yet, since something else has to come first. */
export function isPreliminary(given: Answer): boolean {
  return isBehind(given) || asksForWindow(given);
}

/** Whether the core asks for the present window of a calendar. */
export function asksForWindow(given: Answer): boolean {
  return given === -Number.MAX_VALUE / 4;
}

export function isMoved(given: Answer): boolean {
  return given === MOVED;
}

/** Whether the answer is a plain refusal, known by one comparison: not all refusals are, but none of the other answers is. */
export function isRefused(given: Answer): boolean {
  return given > -Number.MAX_VALUE / 4 && given < 0;
}

export function isGranted(given: Answer): boolean {
  return given >= 0;
}

/** The token of a grant: the core knows an acquisition again by the microsecond of its grant. */
export function tokenOf(given: Answer): number {
  return given;
}

/** Milliseconds until a refused request could pass by itself; Infinity if only a release helps. */
export function waitOf(given: Answer): number {
  return -given;
}

export function isReclaimed(given: Answer): boolean {
  return Number.isNaN(given);
}
