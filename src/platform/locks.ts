/** The platform's Web Locks. A thread or a page loses its locks when it ends, so that other threads can see its end. */

const locks: LockManager | undefined = globalThis.navigator?.locks;

export const hasLocks = locks !== undefined;

/** Takes `lock`, and holds it until the returned function is called or this thread ends. Calls `held` once it has the lock. */
export function holdLock(lock: string, held: () => void): () => void {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  locks?.request(lock, () => {
    held();
    return released;
  });
  return release;
}

/** Calls back when no thread holds `lock`. */
export function whenFree(lock: string, callback: () => void): void {
  locks?.request(lock, callback);
}

/** Whether some thread holds `lock` or waits for it, as far as this thread can see. */
export async function isWanted(lock: string): Promise<boolean> {
  const { held = [], pending = [] } = (await locks?.query()) ?? {};
  return [...held, ...pending].some(({ name }) => name === lock);
}

/**
 * Calls back when `lock` is free again. Resolves to false if this thread cannot see that it is held: then its holder is of
 * another origin or another process, which have locks of their own.
 */
export async function whenLost(lock: string, lost: () => void): Promise<boolean> {
  const { held = [] } = (await locks?.query()) ?? {};
  const seen = held.some(({ name }) => name === lock);
  if (seen) whenFree(lock, lost);
  return seen;
}
