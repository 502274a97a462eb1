/** The acquisitions of a session, and their signals. */
import { Grant, type Granter } from "../acquisition/acquisition.ts";
import type { LeasedAcquisition, LeaseLostError } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts } from "../contract.ts";
import { watchGarbage, weakly } from "../platform/garbage.ts";

type Reference = ReturnType<typeof weakly<AbortController>>;

/**
 * The signals of the acquisitions under one lease. Each acquisition has a signal of its own, since code that is handed a signal
 * adds listeners to it, and one signal for all would collect the listeners of all. A signal is made when it is first asked for,
 * is forgotten at the release, and is not kept alive by this registry.
 */
export class LeaseSignals {
  readonly #live = new Set<Reference>();
  readonly #dropped = watchGarbage<Reference>((ref) => this.#live.delete(ref));
  #reason: LeaseLostError | undefined;

  /** How many signals would abort. */
  get size(): number {
    return this.#live.size;
  }

  get isLost(): boolean {
    return this.#reason !== undefined;
  }

  /** Aborts a controller when the lease is lost, or now if it is. Returns a function that forgets the controller. */
  follow(controller: AbortController): () => void {
    if (this.#reason) {
      controller.abort(this.#reason);
      return () => {};
    }
    const ref = weakly(controller);
    this.#live.add(ref);
    this.#dropped.register(controller, ref, ref);
    return () => {
      this.#live.delete(ref);
      this.#dropped.unregister(ref);
    };
  }

  /** The lease is lost. */
  abort(reason: LeaseLostError): void {
    this.#reason ??= reason;
    const live = [...this.#live];
    this.#live.clear();
    for (const ref of live) ref.deref()?.abort(this.#reason);
  }
}

export class RedisGrant<K extends string> extends Grant<K> implements LeasedAcquisition<K, K> {
  /** Undefined if it holds no resource, or no longer. */
  #signals: LeaseSignals | undefined;
  #controller: AbortController | undefined;
  #forget: (() => void) | undefined;

  constructor(
    granter: Granter<K>,
    units: readonly number[],
    token: number,
    covered: readonly boolean[] | undefined,
    waitedMs: number,
    signals: LeaseSignals | undefined,
  ) {
    super(granter, units, token);
    this.covered = covered;
    this.waitedMs = waitedMs;
    this.#signals = signals;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      this.#forget = this.#signals?.follow(this.#controller);
    }
    return this.#controller.signal;
  }

  override acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<LeasedAcquisition<K, K>> {
    return super.acquire(requested, options) as Promise<LeasedAcquisition<K, K>>;
  }

  override release(): void {
    this.#forget?.();
    // A lease that is lost after the release is none of this acquisition's.
    if (!this.#signals?.isLost) this.#signals = undefined;
    super.release();
  }
}
