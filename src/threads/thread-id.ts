/** The numbers by which a platform tells its threads apart. */
import { builtin } from "../platform/builtin.ts";

/** Where a platform has no numbers: browsers. */
const NONE = -1;

/** The number of this thread. Node has them, and so do Deno and Bun. */
export function ownThreadId(): number {
  return builtin<{ readonly threadId: number }>("node:worker_threads")?.threadId ?? NONE;
}

/** The number of a worker that runs. */
export function threadIdOf(worker: object): number {
  const { threadId } = worker as { readonly threadId?: unknown };
  return typeof threadId === "number" ? threadId : NONE;
}
