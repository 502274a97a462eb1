/**
 * Finds the scope of the running code: that of the attempt to which the code belongs. Some platforms track that across awaits
 * (`AsyncLocalStorage`: Node, Deno, Bun, edge workers that have it). Elsewhere each attempt gets a view of the object as its `this`,
 * whose `limits` belong to the attempt.
 */
import type { Limits } from "../contract.ts";
import { type AsyncStorage, asyncStorage } from "../platform/async-storage.ts";
import type { Scope } from "./scope.ts";

let storage: AsyncStorage<Scope> | undefined;

// Made at the first call: tracking slows a program down, and one without workers does not need it.
function scopeStorage(): AsyncStorage<Scope> | undefined {
  storage ??= asyncStorage();
  return storage;
}

/** The innermost scope around the running code. Undefined outside of calls, and where the platform does not track it. */
export function currentScope(): Scope | undefined {
  return storage?.getStore();
}

/** Runs a method of `object` in `scope`. `limitsIn` makes the limits that belong to the scope. */
export function runInScope<T extends object, R>(
  scope: Scope,
  object: T,
  limitsIn: (scope: Scope) => Limits,
  body: (self: T) => R,
): R {
  const tracked = scopeStorage();
  return tracked ? tracked.run(scope, () => body(object)) : body(viewOf(object, limitsIn(scope)));
}

function viewOf<T extends object>(object: T, limits: Limits): T {
  return new Proxy(object, {
    get: (target, key, self) => (key === "limits" ? limits : Reflect.get(target, key, self)),
  });
}
