/** An object of a worker's class, in this thread, whose methods are called with limits that end with the call. */
import { runWith } from "../acquisition/acquisition.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, LimitView } from "../contract.ts";
import type { LimitStats } from "../limits/stats.ts";
import { inject } from "./injected.ts";
import { innermost, runIn } from "./running.ts";
import { Scope } from "./scope.ts";

/** A class of workers, as far as making objects of it goes. */
export type Constructor = new (...args: never[]) => object;

type Method = (...args: readonly unknown[]) => unknown;

export class Instance {
  readonly #object: object;
  readonly #limits: Limits;

  /** @throws what the class's constructor throws. */
  constructor(Class: Constructor, args: readonly unknown[], limits: Limits) {
    this.#limits = limits;
    const mine = new InstanceLimits(limits, () => this.#scopeHere());
    this.#object = inject(mine, () => new Class(...(args as never[])));
  }

  /**
   * One attempt of a call: the method has begun when this returns. Whatever it took is released when it has ended, however it
   * did. The signal's abort ends its waiting for limits.
   */
  async call(method: string, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    const scope = new Scope(this, innermost());
    const abort = () => scope.abort(signal.reason);
    signal.addEventListener("abort", abort);
    let result: unknown;
    try {
      const run = (self: object) => (self as Record<string, Method>)[method]!(...args);
      result = await runIn(scope, this.#object, (at) => new InstanceLimits(this.#limits, () => at), run);
    } catch (error) {
      scope.fail();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    scope.end();
    return result;
  }

  /** Lets the object clean up, if it has a way to. */
  async dispose(): Promise<void> {
    const object = this.#object as Partial<AsyncDisposable & Disposable>;
    if (typeof Symbol.asyncDispose === "symbol" && object[Symbol.asyncDispose]) {
      await object[Symbol.asyncDispose]!();
    } else if (typeof Symbol.dispose === "symbol") {
      object[Symbol.dispose]?.();
    }
  }

  /** The attempt of one of this object's calls that the code that runs here belongs to; calls of others may lie between. */
  #scopeHere(): Scope | undefined {
    let scope = innermost();
    while (scope && scope.owner !== this) scope = scope.outer;
    return scope;
  }
}

/** The limits of one object. In its calls they are those of the attempt; outside of any, in its constructor say, the set's. */
class InstanceLimits implements Limits {
  readonly #inner: Limits;
  readonly #scope: () => Scope | undefined;

  constructor(inner: Limits, scope: () => Scope | undefined) {
    this.#inner = inner;
    this.#scope = scope;
  }

  get keys(): readonly string[] {
    return this.#inner.keys;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.#inner.config;
  }

  acquire(requested?: Amounts, options?: AcquireOptions): Promise<Acquisition> {
    const scope = this.#scope();
    return scope
      ? scope.take((scoped) => this.#inner.acquire(requested, scoped), options)
      : this.#inner.acquire(requested, options);
  }

  tryAcquire(requested?: Amounts): Awaitable<Acquisition> {
    const scope = this.#scope();
    if (!scope) return this.#inner.tryAcquire(requested);
    scope.check();
    const tried = this.#inner.tryAcquire(requested);
    return "then" in tried ? tried.then((answer) => scope.hold(answer)) : scope.hold(tried);
  }

  async run<T>(
    requested: Amounts | undefined,
    body: (acquisition: Acquisition) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runWith(await this.acquire(requested, options), body);
  }

  stats(): Awaitable<Readonly<Record<string, LimitStats>>> {
    return this.#inner.stats();
  }

  get(key: string): LimitView {
    return this.#inner.get(key);
  }

  close(): Awaitable<void> {
    return this.#inner.close();
  }
}
