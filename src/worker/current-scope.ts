/**
 * Finds the scope of the running code: that of the attempt to which the code belongs. Some platforms track that across awaits
 * (`AsyncLocalStorage`: Node, Deno, Bun, edge workers that have it). Elsewhere each attempt gets a view of the object as its `this`,
 * whose `limits` belong to the attempt.
 */
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

/** Runs a method of `object` in `scope`. `inScope` makes of a value that the method reads from its object the one that belongs to the scope. */
export function runInScope<T extends object, R>(
  scope: Scope,
  object: T,
  inScope: InScope,
  body: (self: T) => R,
): R {
  const tracked = scopeStorage();
  return tracked ? tracked.run(scope, () => body(object)) : body(viewOf(object, scope, inScope));
}

type InScope = (value: unknown, scope: Scope) => unknown;

function viewOf<T extends object>(object: T, scope: Scope, inScope: InScope): T {
  const seen = new Map<unknown, unknown>();
  return new Proxy(object, {
    get(target, key, self) {
      const value: unknown = Reflect.get(target, key, self);
      const known = seen.get(value);
      if (known) return known;
      const scoped = inScope(value, scope);
      if (scoped === value || isFixed(target, key)) return value;
      // The method finds the same value whenever it reads.
      seen.set(value, scoped);
      return scoped;
    },
  });
}

/** Whether the platform lets a view of the object show no other value. */
function isFixed(object: object, key: string | symbol): boolean {
  const own = Reflect.getOwnPropertyDescriptor(object, key);
  return own !== undefined && !own.configurable && own.writable === false;
}
