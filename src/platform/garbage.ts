/**
 * Garbage, as far as the platform shows it. workerd shows none before the compatibility date 2025-05-05: there nothing is known of
 * what a program has dropped.
 */

/** What is used of a `FinalizationRegistry`. */
export interface GarbageWatch<T> {
  register(target: WeakKey, held: T, token?: WeakKey): void;
  unregister(token: WeakKey): unknown;
}

const BLIND: GarbageWatch<unknown> = { register() {}, unregister() {} };

/** Watches objects: calls back with what was registered with them once they have been collected. */
export function watchGarbage<T>(collected: (held: T) => void): GarbageWatch<T> {
  return typeof FinalizationRegistry === "function" ? new FinalizationRegistry(collected) : BLIND;
}

/** A reference that does not keep its object alive, where the platform has such. */
export function weakly<T extends WeakKey>(target: T): Pick<WeakRef<T>, "deref"> {
  return typeof WeakRef === "function" ? new WeakRef(target) : { deref: () => target };
}
