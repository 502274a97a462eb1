/**
 * This folder has the differences between runtimes. This file has their built-in modules, which cannot be imported, since some
 * runtimes have none.
 */

interface ProcessLike {
  getBuiltinModule?(name: string): unknown;
}

/** A built-in module; undefined where the runtime has none. */
export function builtin<T>(name: string): T | undefined {
  const { process } = globalThis as { process?: ProcessLike };
  try {
    return process?.getBuiltinModule?.(name) as T | undefined;
  } catch {
    return undefined;
  }
}
