/**
 * Where methods run. `"sync"`: in this thread, and the method has begun when the call returns. `"async"`: in this thread, on a later
 * turn of the event loop. `"thread"`: each object on a thread of its own. `"process"`: each object in a process of its own.
 */
export type WorkerMode = "sync" | "async" | "thread" | "process";

export const MODES: readonly WorkerMode[] = ["sync", "async", "thread", "process"];
