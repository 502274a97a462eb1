/** Modules of the platform that are not there everywhere, and so cannot be imported. */

interface ProcessLike {
  getBuiltinModule?(name: string): unknown;
}

/** A built-in module; undefined where there is none. */
export function builtin<T>(name: string): T | undefined {
  const { process } = globalThis as { process?: ProcessLike };
  try {
    return process?.getBuiltinModule?.(name) as T | undefined;
  } catch {
    return undefined;
  }
}
