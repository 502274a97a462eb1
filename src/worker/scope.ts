/** What one attempt of a call takes: it ends with the attempt, also what was taken without `using` and what still waits. */
import type { AcquireOptions, Acquisition, Amounts, Awaitable } from "../contract.ts";
import { asyncDispose, dispose } from "../platform/dispose.ts";
import { CallEndedError } from "./errors.ts";

type Ask = (options: AcquireOptions) => Promise<Acquisition>;

export class Scope {
  /** Whose call it is. */
  readonly owner: object;
  /** The scope in which this one began: that of a call of another worker, in the same thread. */
  readonly outer: Scope | undefined;
  readonly #held = new Set<ScopedAcquisition>();
  readonly #waiting = new Set<AbortController>();
  /** Why nothing more can be taken. */
  #ended: { readonly reason: unknown } | undefined;

  constructor(owner: object, outer: Scope | undefined) {
    this.owner = owner;
    this.outer = outer;
  }

  /** Takes, for as long as the attempt lasts. */
  async take(ask: Ask, options: AcquireOptions = {}): Promise<Acquisition> {
    if (this.#ended) throw this.#ended.reason;
    const { signal } = options;
    signal?.throwIfAborted();
    const controller = new AbortController();
    const abort = () => controller.abort(signal!.reason);
    signal?.addEventListener("abort", abort);
    this.#waiting.add(controller);
    try {
      return this.hold(await ask({ ...options, signal: controller.signal }));
    } finally {
      this.#waiting.delete(controller);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Holds what was taken. */
  hold(acquisition: Acquisition): Acquisition {
    if (!acquisition.successful) return acquisition;
    if (this.#ended) {
      // Granted while the attempt ended.
      quietly(() => acquisition.release());
      throw this.#ended.reason;
    }
    const scoped = new ScopedAcquisition(acquisition, this);
    this.#held.add(scoped);
    return scoped;
  }

  forget(acquisition: ScopedAcquisition): void {
    this.#held.delete(acquisition);
  }

  /** Whether something may still be taken. */
  check(): void {
    if (this.#ended) throw this.#ended.reason;
  }

  /** From now on nothing is taken, and nothing waited for; what is held stays until the end. */
  abort(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = { reason };
    for (const controller of this.#waiting) controller.abort(reason);
  }

  /**
   * Ends the attempt: releases all it holds, the latest first.
   *
   * @throws {UsageNotReportedError} if usage is missing; everything is released nevertheless.
   */
  end(): void {
    this.abort(new CallEndedError());
    const failed: unknown[] = [];
    for (const acquisition of [...this.#held].reverse()) {
      try {
        acquisition.release();
      } catch (error) {
        failed.push(error);
      }
    }
    if (failed.length > 0) throw failed[0];
  }

  /** Ends an attempt that has failed: what is missing then has a reason. */
  fail(): void {
    quietly(() => this.end());
  }
}

/** An acquisition that its scope knows of. */
class ScopedAcquisition implements Acquisition {
  readonly #inner: Acquisition;
  readonly #scope: Scope;

  constructor(inner: Acquisition, scope: Scope) {
    this.#inner = inner;
    this.#scope = scope;
  }

  get successful(): boolean {
    return this.#inner.successful;
  }

  get requested(): Readonly<Partial<Record<string, number>>> {
    return this.#inner.requested;
  }

  get retryAfterMs(): number {
    return this.#inner.retryAfterMs;
  }

  get limitedBy(): readonly string[] {
    return this.#inner.limitedBy;
  }

  get config(): Record<string, unknown> {
    return this.#inner.config;
  }

  update(usage: Amounts): void {
    this.#inner.update(usage);
  }

  acquire(requested?: Amounts, options?: AcquireOptions): Promise<Acquisition> {
    return this.#scope.take((scoped) => this.#inner.acquire(requested, scoped), options);
  }

  release(): void {
    this.#scope.forget(this);
    this.#inner.release();
  }

  [dispose](): void {
    this.release();
  }

  async [asyncDispose](): Promise<void> {
    this.release();
  }
}

function quietly(release: () => Awaitable<void>): void {
  try {
    release();
  } catch {
    // All is settled nevertheless.
  }
}
