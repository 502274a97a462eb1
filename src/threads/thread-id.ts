/** The ids by which a platform tells its threads apart. */
import { builtin } from "../platform/builtin.ts";

/** In place of an id where the platform has none: in browsers. */
const NONE = -1;

/** The id of this thread, in Node, Deno and Bun. */
export function ownThreadId(): number {
  return builtin<{ readonly threadId: number }>("node:worker_threads")?.threadId ?? NONE;
}

/** The id of a worker that is running. */
export function threadIdOf(worker: object): number {
  const { threadId } = worker as { readonly threadId?: unknown };
  return typeof threadId === "number" ? threadId : NONE;
}
