/** Signals, also those of platforms and polyfills that lack the newer members of an AbortSignal. */

/** The reason of a signal that has aborted. Older signals have none. */
export function reasonOf(signal: AbortSignal): unknown {
  const { reason } = signal;
  if (reason !== undefined) return reason;
  const error = new Error("the signal has aborted");
  error.name = "AbortError";
  return error;
}

/** Throws the reason of a signal that has aborted. Older signals have no method for it. */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}

/** Whether `value` can be used as a signal. */
export function isSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}
