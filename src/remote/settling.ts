/** How a host settles an acquisition that it holds for a peer or a client. */
import type { Acquisition } from "../contract.ts";

/**
 * Releases an acquisition with the usage that the other side reported. Where usage is missing or invalid, the request is charged in
 * full.
 */
export function settle<K extends string>(
  acquisition: Acquisition<K>,
  usage: Record<string, number> | undefined,
): void {
  for (const step of [() => usage && acquisition.update(usage as never), () => acquisition.release()]) {
    try {
      // The set may be remote itself and answer with a promise, though the types say otherwise.
      const done: unknown = step();
      if (isPromise(done)) done.then(undefined, () => {});
    } catch {
      // A release settles the acquisition even if it throws, and the other side does not await the outcome.
    }
  }
}

export function isPromise<T>(value: T): value is T & PromiseLike<Awaited<T>> {
  return typeof (value as { then?: unknown } | undefined)?.then === "function";
}
