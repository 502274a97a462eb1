/** The lease on an acquisition, on the client's side: renewed while the client lives, ended by the release. */

import { LeaseLostError } from "../acquisition/leased.ts";
import { LONGEST_TIMER_MS, systemClock } from "../platform/clock.ts";
import { dispose } from "../platform/dispose.ts";
import { waitUntil } from "./platform.ts";
import type { AmountsByKey, RequestStub } from "./protocol.ts";
import type { Route } from "./route.ts";

export class Lease {
  readonly id: string;
  /** Settles when the object has taken the release, or cannot be reached. Undefined before the release. */
  ended: Promise<void> | undefined;
  readonly #route: Route;
  readonly #stub: RequestStub;
  readonly #leaseMs: number;
  readonly #controller = new AbortController();
  #timer: unknown;
  #renewedAt = systemClock.now();

  constructor(id: string, route: Route, stub: RequestStub, leaseMs: number) {
    this.id = id;
    this.#route = route;
    this.#stub = stub;
    this.#leaseMs = leaseMs;
    // A stub breaks when the object restarts. The restarted object still has the lease, and the renewal finds out.
    stub.onRpcBroken?.(() => void this.#renew());
    this.#setTimer();
  }

  /** Aborts when the lease is lost. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Releases, once. `usage` reports the usage of rate limits. */
  end(usage: AmountsByKey): void {
    if (this.ended) return;
    systemClock.clearTimeout(this.#timer);
    this.ended = this.#isLost ? Promise.resolve() : this.#release(usage);
    // Without this, the platform would end an answered HTTP request before its release has arrived.
    waitUntil(this.ended);
  }

  get #isLost(): boolean {
    return this.signal.aborted;
  }

  async #release(usage: AmountsByKey): Promise<void> {
    try {
      await this.#route.call((object) => object.release(this.id, usage));
    } catch {
      // The object gives the resources back when the lease ends.
    }
    this.#stub[dispose]?.();
  }

  #setTimer(): void {
    this.#timer = systemClock.setTimeout(
      () => void this.#renew(),
      Math.min(this.#leaseMs / 3, LONGEST_TIMER_MS),
    );
  }

  async #renew(): Promise<void> {
    if (this.ended || this.#isLost) return;
    systemClock.clearTimeout(this.#timer);
    const startedAt = systemClock.now();
    try {
      const isHeld = await this.#route.call((object) => object.renew(this.id));
      if (isHeld) this.#renewedAt = startedAt;
      else this.#lose("the object holds them no more");
    } catch {
      const sinceMs = systemClock.now() - this.#renewedAt;
      if (sinceMs >= this.#leaseMs) this.#lose("the object could not be reached in time to renew the lease");
    }
    if (!this.ended && !this.#isLost) this.#setTimer();
  }

  #lose(why: string): void {
    if (!this.ended) this.#controller.abort(new LeaseLostError(why));
  }
}
