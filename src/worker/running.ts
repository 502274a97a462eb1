/**
 * Which attempt the code that runs here belongs to. Where the platform keeps track of that across awaits (`AsyncLocalStorage`:
 * Node, Deno, Bun, edge workers that have it), it is asked. Elsewhere each attempt gets a view of the object as its `this`,
 * whose `limits` are those of the attempt.
 */
import type { Limits } from "../contract.ts";
import { builtin } from "../platform/builtin.ts";
import type { Scope } from "./scope.ts";

interface Storage {
  run<T>(scope: Scope, body: () => T): T;
  getStore(): Scope | undefined;
}

let storage: Storage | undefined;
let looked = false;

// Not before the first call: programs without workers do not pay for it.
function theStorage(): Storage | undefined {
  if (!looked) {
    looked = true;
    const hooks = builtin<{ AsyncLocalStorage: new () => Storage }>("node:async_hooks");
    storage = hooks && new hooks.AsyncLocalStorage();
  }
  return storage;
}

/** The scope that began last around the code that runs here. */
export function innermost(): Scope | undefined {
  return storage?.getStore();
}

/** Runs a method of `object` in `scope`. `limitsIn` gives the limits as that scope has them. */
export function runIn<T extends object, R>(
  scope: Scope,
  object: T,
  limitsIn: (scope: Scope) => Limits,
  body: (self: T) => R,
): R {
  const tracked = theStorage();
  return tracked ? tracked.run(scope, () => body(object)) : body(viewOf(object, limitsIn(scope)));
}

function viewOf<T extends object>(object: T, limits: Limits): T {
  return new Proxy(object, {
    get: (target, key, self) => (key === "limits" ? limits : Reflect.get(target, key, self)),
  });
}
