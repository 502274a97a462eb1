/**
 * Nothing that a test has taken is collected, and so given back, before the test file ends: a test need not hold on to what
 * it takes. Tests of collection itself call `collect()` first.
 */
const Registry = globalThis.FinalizationRegistry;

class Keeping<T> extends Registry<T> {
  readonly #kept = new Map<WeakKey, WeakKey>();

  override register(target: WeakKey, held: T, token?: WeakKey): void {
    this.#kept.set(token ?? target, target);
    super.register(target, held, token);
  }

  override unregister(token: WeakKey): boolean {
    this.#kept.delete(token);
    return super.unregister(token);
  }
}

globalThis.FinalizationRegistry = Keeping;

export function collect(): void {
  globalThis.FinalizationRegistry = Registry;
}
