/** Locks of the platform (Web Locks), by which others see the end of a thread or a page: it loses what it holds. */

const locks: LockManager | undefined = globalThis.navigator?.locks;

export const hasLocks = locks !== undefined;

/** Holds `lock` until the function returned is called, or this thread ends; tells once it does. */
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

/** Calls back when nobody holds `lock`. */
export function whenFree(lock: string, callback: () => void): void {
  locks?.request(lock, callback);
}

/** Whether somebody is seen to hold `lock`, or to wait for it. */
export async function isWanted(lock: string): Promise<boolean> {
  const { held = [], pending = [] } = (await locks?.query()) ?? {};
  return [...held, ...pending].some(({ name }) => name === lock);
}

/**
 * Calls back when nobody holds `lock` any more. False if nobody is seen to hold it: whoever says so is of another origin or
 * another process, where locks are others.
 */
export async function whenLost(lock: string, lost: () => void): Promise<boolean> {
  const { held = [] } = (await locks?.query()) ?? {};
  const seen = held.some(({ name }) => name === lock);
  if (seen) whenFree(lock, lost);
  return seen;
}
