/** How a thread learns that another has ended. */
import type { Participants, Seat } from "./core/participants.ts";
import { hasLocks, whenFree } from "./locks.ts";

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
  if (lock === undefined) return;
  // Not before the thread holds it: the lock would be had at once.
  participants.guarded(seat).then(() => whenFree(lock, callback));
}
