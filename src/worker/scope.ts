/**
 * A scope: the limits taken by one attempt of a call. When the attempt ends, acquisitions that the method has not released are
 * released, and requests that still wait are withdrawn.
 */

import type { LeasedAcquisition } from "../acquisition/leased.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable } from "../contract.ts";
import { checkRequestOptions } from "../limits/options.ts";
import { SHOWN, type ShownWith, shownAcquisition } from "../limits/shown.ts";
import { reasonOf } from "../platform/aborted.ts";
import { asyncDispose, dispose } from "../platform/dispose.ts";
import { whenAborted } from "../waiting/aborts.ts";
import { CallEndedError } from "./errors.ts";

type Acquire = (options: AcquireOptions) => Promise<Acquisition>;

export class Scope {
  /** The object whose call this is. */
  readonly owner: object;
  /** The scope in which this one has begun, in the same thread: its method has called another worker, or this one again. */
  readonly outer: Scope | undefined;
  readonly #held = new Set<ScopedAcquisition>();
  readonly #waiting = new Set<AbortController>();
  /** Set when nothing more can be taken. */
  #ended: { readonly reason: unknown } | undefined;

  constructor(owner: object, outer: Scope | undefined) {
    this.owner = owner;
    this.outer = outer;
  }

  /** Acquires for this attempt. The end of the attempt withdraws the request. */
  async take(acquire: Acquire, options: AcquireOptions = {}): Promise<Acquisition> {
    if (this.#ended) throw this.#ended.reason;
    checkRequestOptions(options);
    const { signal } = options;
    const controller = new AbortController();
    const stopListening = signal && whenAborted(signal, () => controller.abort(reasonOf(signal)));
    this.#waiting.add(controller);
    try {
      return this.adopt(await acquire({ ...options, signal: controller.signal }));
    } finally {
      this.#waiting.delete(controller);
      stopListening?.();
    }
  }

  /** Makes an acquisition end with the attempt. */
  adopt(acquisition: Acquisition): Acquisition {
    if (!acquisition.successful) return acquisition;
    if (this.#ended) {
      // It was granted while the attempt ended.
      quietly(() => acquisition.release());
      throw this.#ended.reason;
    }
    const scoped = new ScopedAcquisition(acquisition, this);
    this.#held.add(scoped);
    return scoped;
  }

  /** Called when the method itself has released an acquisition. */
  forget(acquisition: ScopedAcquisition): void {
    this.#held.delete(acquisition);
  }

  /** @throws the reason, if nothing can be taken any more. */
  check(): void {
    if (this.#ended) throw this.#ended.reason;
  }

  /** Withdraws requests that wait and refuses new ones. Acquisitions stay held until the attempt ends. */
  abort(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = { reason };
    for (const controller of this.#waiting) controller.abort(reason);
  }

  /**
   * Ends the attempt: releases all its acquisitions, the latest first.
   *
   * @throws {UsageNotReportedError} if usage is missing; all acquisitions are released even so.
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

  /** Ends an attempt that has failed. Usage may be missing because of that, so it is no error here. */
  fail(): void {
    quietly(() => this.end());
  }
}

/** The set's own acquisition, which that of a scope may wrap. */
export let innerOf: (acquisition: Acquisition) => Acquisition;

/** An acquisition that tells its scope of its release. */
class ScopedAcquisition implements Acquisition {
  readonly #inner: Acquisition;
  readonly #scope: Scope;

  static {
    innerOf = (acquisition) => (acquisition instanceof ScopedAcquisition ? acquisition.#inner : acquisition);
  }

  constructor(inner: Acquisition, scope: Scope) {
    this.#inner = inner;
    this.#scope = scope;
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** @internal */
  [SHOWN](...args: ShownWith): unknown {
    return shownAcquisition(this, args);
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

  get ahead(): number {
    return this.#inner.ahead;
  }

  get waitedMs(): number {
    return this.#inner.waitedMs;
  }

  get config(): Record<string, unknown> {
    return this.#inner.config;
  }

  /** Undefined where nothing can be lost. */
  get signal(): AbortSignal | undefined {
    return (this.#inner as Partial<LeasedAcquisition>).signal;
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
    // A release settles the acquisition even if it throws.
  }
}
