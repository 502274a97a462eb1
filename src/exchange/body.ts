/** The bodies of answers: they pass as they come, and tell when they have ended. */
import type { Clock } from "../platform/clock.ts";
import { unref } from "../platform/clock.ts";

/** How a body ended: by itself, broken off, or unread for too long. */
export type End = "complete" | "broken" | "unread";

export interface Watch<T> {
  /** Sees each chunk before its reader does. */
  readonly chunk: ((chunk: T) => void) | undefined;
  /** Called once, at the end. */
  readonly end: (how: End) => void;
  readonly unreadMs: number;
  readonly clock: Clock;
  /** How many bytes are read ahead of the reader. */
  readonly ahead?: number;
  /** The error of readers of a body that was unread for too long. */
  readonly unread: () => Error;
}

/**
 * The same body, watched. Unless it says `ahead`, nothing is read from it but for a reader, so that no byte waits here, and none is fetched
 * that nothing wants.
 */
export function watched<T>(source: ReadableStream<T>, watch: Watch<T>): ReadableStream<T> {
  const { chunk: see, clock, unreadMs } = watch;
  const reader = source.getReader();
  let isOpen = true;
  let isCancelled = false;
  let timer: unknown;
  /** Since when nothing is asked for; Infinity while a reader waits for a chunk. */
  let idleSince = clock.now();

  const end = (how: End) => {
    if (!isOpen) return;
    isOpen = false;
    clock.clearTimeout(timer);
    watch.end(how);
  };
  // One timer that looks again, since a timer for each chunk would cost more than the chunk.
  const arm = (ms: number, giveUp: () => void) => {
    timer = clock.setTimeout(() => {
      const restMs = idleSince + unreadMs - clock.now();
      if (restMs <= 0) giveUp();
      else arm(Math.min(restMs, unreadMs), giveUp);
    }, ms);
    unref(timer);
  };

  return new ReadableStream<T>(
    {
      start(controller) {
        // A body fails while nothing reads it, too: by an abort, for example.
        reader.closed
          .catch((error) => {
            end("broken");
            throw error;
          })
          .catch((error) => controller.error(error));
        if (unreadMs === Number.POSITIVE_INFINITY) return;
        arm(unreadMs, () => {
          const error = watch.unread();
          end("unread");
          controller.error(error);
          reader.cancel(error).catch(() => {});
        });
      },
      pull(controller) {
        idleSince = Number.POSITIVE_INFINITY;
        return reader.read().then(({ done, value }) => {
          if (isCancelled) return;
          idleSince = clock.now();
          if (done) {
            end("complete");
            controller.close();
          } else {
            see?.(value);
            controller.enqueue(value);
          }
        });
      },
      async cancel(reason) {
        isCancelled = true;
        idleSince = clock.now();
        try {
          await reader.cancel(reason);
        } finally {
          end("broken");
        }
      },
    },
    // The default would read a chunk before anything asks for it.
    { highWaterMark: watch.ahead ?? 0, size: (chunk) => (chunk as { readonly length?: number }).length ?? 1 },
  );
}
