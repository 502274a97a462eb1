/** Values that may be promises: those that are none are gone on with at once, since most HTTP requests need no promise. */
import type { Awaitable } from "../contract.ts";

export function isPromise<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined | null)?.then === "function";
}

/** Goes on with a value when it is there. */
export function chain<T, U>(value: Awaitable<T>, goOn: (value: T) => Awaitable<U>): Awaitable<U> {
  return isPromise(value) ? value.then(goOn) : goOn(value);
}
