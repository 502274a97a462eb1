/** How a thread learns that another has ended. */

import { hasLocks, isWanted, whenFree } from "../platform/locks.ts";
import { ASKED, HELD, type Participants, type Seat } from "./participants.ts";

/** What is known of a thread from outside: a worker of Node, of a browser, of Deno or of Bun. */
export interface ThreadLike {
  postMessage(message: unknown): void;
}

interface Emitter {
  once(event: "exit", listener: () => void): unknown;
}

interface Target {
  addEventListener(event: "close", listener: () => void): unknown;
}

/** Whether the end of `thread` shows only in the loss of a lock that it has to hold itself. */
export function needsLock(thread: ThreadLike): boolean {
  return !("once" in thread) && hasLocks;
}

/** Calls back when `thread` has ended. `lock` is the one it takes once it has taken `seat`, if it needs one. */
export function whenEnded(
  thread: ThreadLike,
  { lock, seat }: { lock?: string; seat: Seat },
  participants: Participants,
  callback: () => void,
): void {
  if ("once" in thread) {
    (thread as ThreadLike & Emitter).once("exit", callback);
    return;
  }
  if ("addEventListener" in thread) (thread as ThreadLike & Target).addEventListener("close", callback);
  if (lock !== undefined) whenAsked(lock, participants, seat).then(() => whenFree(lock, callback));
}

// A thread that is alive has its request seen within milliseconds.
const LOOK_MS = 1_000;
const MOST_LOOKS = 10;

/**
 * Resolves when whoever asks for the lock from now on gets it after the thread; or when the thread was never seen to ask, and so
 * has ended at once. The thread says when it begins to ask: sooner the lock would be had before it.
 */
async function whenAsked(lock: string, participants: Participants, seat: Seat): Promise<void> {
  await participants.guarded(seat, ASKED);
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    if (await isWanted(lock)) return;
    if (await participants.guarded(seat, HELD, LOOK_MS)) return;
  }
}
