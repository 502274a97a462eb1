/** An object of a worker's class, in this thread. Its methods see limits that belong to one attempt of a call, and end with it. */
import { runWith } from "../acquisition/acquisition.ts";
import type {
  AcquireOptions,
  Acquisition,
  Amounts,
  Awaitable,
  Limits,
  LimitView,
  PartitionNames,
  Prospect,
  ViewOptions,
} from "../contract.ts";
import type { RedefineOptions, Redefinition } from "../limits/era.ts";
import { checkBody } from "../limits/options.ts";
import { VIEWED, type Viewed, viewedOf } from "../limits/partition-names.ts";
import type { LimitStats } from "../limits/stats.ts";
import { HandingOn, performChange, type SentChange } from "../remote/changes.ts";
import { currentScope, runInScope } from "./current-scope.ts";
import { inject } from "./injected.ts";
import { innerOf, Scope } from "./scope.ts";

/** A class of workers, as far as its constructor goes. */
export type Constructor = new (...args: never[]) => object;

type Method = (...args: readonly unknown[]) => unknown;

export class Instance {
  readonly #object: object;

  /** @throws the error of the class's constructor. */
  constructor(Class: Constructor, args: readonly unknown[], limits: Limits) {
    const mine = new InstanceLimits(limits, () => this.#ownScope());
    this.#object = inject(mine, () => new Class(...(args as never[])));
  }

  /**
   * Makes one attempt of a call. The method has begun when this returns. When it ends, all acquisitions that it took are released,
   * whether it succeeded or failed. An abort of the signal ends its waiting for limits.
   */
  async call(method: string, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    const scope = new Scope(this, currentScope());
    const abort = () => scope.abort(signal.reason);
    signal.addEventListener("abort", abort);
    let result: unknown;
    try {
      const run = (self: object) => (self as Record<string, Method>)[method]!(...args);
      result = await runInScope(scope, this.#object, inScope, run);
    } catch (error) {
      scope.fail();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    scope.end();
    return result;
  }

  /** Lets the object clean up, by its own `[Symbol.asyncDispose]` or `[Symbol.dispose]`. */
  async dispose(): Promise<void> {
    const object = this.#object as Partial<AsyncDisposable & Disposable>;
    if (typeof Symbol.asyncDispose === "symbol" && object[Symbol.asyncDispose]) {
      await object[Symbol.asyncDispose]!();
    } else if (typeof Symbol.dispose === "symbol") {
      object[Symbol.dispose]?.();
    }
  }

  /** The scope of the innermost call of this object around the running code. Calls of other objects may have begun inside it. */
  #ownScope(): Scope | undefined {
    let scope = currentScope();
    while (scope && scope.owner !== this) scope = scope.outer;
    return scope;
  }
}

/** The limits of an object as the code of one attempt sees them, where the platform does not track it: they belong to the attempt. */
function inScope(value: unknown, scope: Scope): unknown {
  return value instanceof InstanceLimits ? value.in(scope) : value;
}

/**
 * The limits of one object. Acquisitions belong to the scope of the running attempt. Outside of a call, as in a constructor, they belong
 * to none.
 */
class InstanceLimits extends HandingOn<string, string, Awaitable<void>> implements Limits {
  readonly #inner: Limits;
  readonly #scope: () => Scope | undefined;

  constructor(inner: Limits, scope: () => Scope | undefined) {
    super();
    this.#inner = inner;
    this.#scope = scope;
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** The same limits, in the scope of one attempt. */
  in(scope: Scope): InstanceLimits {
    return new InstanceLimits(this.#inner, () => scope);
  }

  [VIEWED](): Viewed<Limits> | undefined {
    const viewed = viewedOf(this.#inner);
    return viewed && { ...viewed, set: new InstanceLimits(viewed.set, this.#scope) };
  }

  get keys(): readonly string[] {
    return this.#inner.keys;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.#inner.config;
  }

  get waiting(): number {
    return this.#inner.waiting;
  }

  for(names: PartitionNames, options?: ViewOptions): this {
    const inner = this.#inner.for(names, options);
    return inner === this.#inner ? this : (new InstanceLimits(inner, this.#scope) as this);
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
    return "then" in tried ? tried.then((answer) => scope.adopt(answer)) : scope.adopt(tried);
  }

  peek(requested?: Amounts): Awaitable<Prospect> {
    this.#scope()?.check();
    return this.#inner.peek(requested);
  }

  async run<T>(
    requested: Amounts | undefined,
    body: (acquisition: Acquisition) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    checkBody(body);
    const acquisition = await this.acquire(requested, options);
    return runWith(acquisition, body, options?.signal, innerOf(acquisition));
  }

  stats(): Awaitable<Readonly<Record<string, LimitStats>>> {
    return this.#inner.stats();
  }

  get(key: string): LimitView {
    return this.#inner.get(key);
  }

  protected handOn(change: SentChange): Awaitable<void> {
    return performChange(this.#inner, change);
  }

  redefine(limits: Redefinition, options?: RedefineOptions): Awaitable<void> {
    return this.#inner.redefine(limits, options);
  }

  close(): Awaitable<void> {
    return this.#inner.close();
  }
}
