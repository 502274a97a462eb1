/** How a thread learns of the end of a worker that it started. */
import { hasLocks, isWanted, whenFree } from "../platform/locks.ts";
import { type Handles, LOCKED, LOCKING } from "./handles.ts";

/** A worker as the thread that started it sees it: of Node, of a browser, of Deno or of Bun. */
export interface ThreadLike {
  /** Sends the worker a message that structured cloning carries. */
  postMessage(message: unknown): void;
}

interface Emitter {
  once(event: "exit", listener: () => void): unknown;
}

interface Target {
  addEventListener(event: "close", listener: () => void): unknown;
}

/** Whether the end of `worker` shows only by a lock, which the worker has to hold itself. */
export function needsLock(worker: ThreadLike): boolean {
  return !("once" in worker) && hasLocks;
}

// Deno lets a worker that it terminates run on for two seconds, and tells of its exit at once.
const isExitTheEnd = !("Deno" in globalThis);

/**
 * Calls back when `worker` has ended, and says whether it is sure of that: or the worker may still run for a while. `lock` is the
 * lock that it takes when it attaches by `handle`, if it needs one.
 */
export function whenEnded(
  worker: ThreadLike,
  lock: string | undefined,
  handles: Handles,
  handle: number,
  callback: (isSure: boolean) => void,
): void {
  if ("once" in worker) {
    (worker as ThreadLike & Emitter).once("exit", () => callback(isExitTheEnd));
    return;
  }
  if ("addEventListener" in worker)
    (worker as ThreadLike & Target).addEventListener("close", () => callback(true));
  if (lock !== undefined) afterWorker(lock, handles, handle).then(() => whenFree(lock, () => callback(true)));
}

// The platform shows within milliseconds that a living thread wants a lock.
const LOOK_MS = 1_000;
const MOST_LOOKS = 10;

/**
 * Resolves when this thread would get the lock only after the worker: or when the worker was never seen to want it, because it
 * ended at once. The worker notes that it is about to take the lock; before that, this thread would get the lock first.
 */
async function afterWorker(lock: string, handles: Handles, handle: number): Promise<void> {
  await handles.guarded(handle, LOCKING);
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    if (await isWanted(lock)) return;
    if (await handles.guarded(handle, LOCKED, LOOK_MS)) return;
  }
}
