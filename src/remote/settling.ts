/** The end of acquisitions that somebody elsewhere had. */
import type { Acquisition } from "../contract.ts";

/** Releases, with what was used; what makes no sense, or is missing, is charged in full. */
export function settle<K extends string>(
  acquisition: Acquisition<K>,
  usage: Record<string, number> | undefined,
): void {
  for (const step of [() => usage && acquisition.update(usage as never), () => acquisition.release()]) {
    try {
      // Remote sets may answer later, whatever their types say.
      const done: unknown = step();
      if (isPromise(done)) done.then(undefined, () => {});
    } catch {
      // A release settles all even if usage is missing.
    }
  }
}

export function isPromise<T>(value: T): value is T & PromiseLike<Awaited<T>> {
  return typeof (value as { then?: unknown } | undefined)?.then === "function";
}
