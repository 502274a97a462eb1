/** Values that follow the running code across awaits, where the platform has `AsyncLocalStorage`: Node, Deno, Bun, some edges. */
import { builtin } from "./builtin.ts";

export interface AsyncStorage<T> {
  run<R>(value: T, body: () => R): R;
  getStore(): T | undefined;
}

/** A new storage; undefined where the platform has none. */
export function asyncStorage<T>(): AsyncStorage<T> | undefined {
  const hooks = builtin<{ AsyncLocalStorage: new () => AsyncStorage<T> }>("node:async_hooks");
  return hooks && new hooks.AsyncLocalStorage();
}
