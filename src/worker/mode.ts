/**
 * Where methods run: `"sync"` in this thread, begun when the call returns; `"async"` in this thread, on a later turn of the event
 * loop; `"thread"` on threads, `"process"` in processes of their own.
 */
export type WorkerMode = "sync" | "async" | "thread" | "process";

export const MODES: readonly WorkerMode[] = ["sync", "async", "thread", "process"];
