/** How a thread learns that a worker of its own has ended. */
import { hasLocks, isWanted, whenFree } from "../platform/locks.ts";
import { ASKED, type Handles, LOCKED } from "./handles.ts";

/** A worker as the thread that started it sees it: a worker of Node, of a browser, of Deno or of Bun. */
export interface ThreadLike {
  /** Sends a message that structured cloning carries, to the worker. */
  postMessage(message: unknown): void;
}

interface Emitter {
  once(event: "exit", listener: () => void): unknown;
}

interface Target {
  addEventListener(event: "close", listener: () => void): unknown;
}

/** Whether the end of `worker` shows only in the loss of a lock that it has to hold itself. */
export function needsLock(worker: ThreadLike): boolean {
  return !("once" in worker) && hasLocks;
}

/** Calls back when `worker` has ended. `lock` is the one that it takes when it attaches by `handle`, if it needs one. */
export function whenEnded(
  worker: ThreadLike,
  lock: string | undefined,
  handles: Handles,
  handle: number,
  callback: () => void,
): void {
  if ("once" in worker) {
    (worker as ThreadLike & Emitter).once("exit", callback);
    return;
  }
  if ("addEventListener" in worker) (worker as ThreadLike & Target).addEventListener("close", callback);
  if (lock !== undefined) whenAsked(lock, handles, handle).then(() => whenFree(lock, callback));
}

// The platform shows the request of a living thread within milliseconds.
const LOOK_MS = 1_000;
const MOST_LOOKS = 10;

/**
 * Resolves when a request for the lock comes after the worker's own; or when the worker's was never seen, because it ended
 * at once. The worker says when it begins to ask: a request before that would be granted before the worker's.
 */
async function whenAsked(lock: string, handles: Handles, handle: number): Promise<void> {
  await handles.guarded(handle, ASKED);
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    if (await isWanted(lock)) return;
    if (await handles.guarded(handle, LOCKED, LOOK_MS)) return;
  }
}
