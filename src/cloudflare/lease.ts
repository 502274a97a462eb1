/** What a client holds of an object: renewed while the request that has it lives, and ended by its release. */

import { LeaseLostError } from "../acquisition/leased.ts";
import { LONGEST_TIMER_MS, systemClock } from "../platform/clock.ts";
import { dispose } from "../platform/dispose.ts";
import type { Line } from "./line.ts";
import { waitUntil } from "./platform.ts";
import type { Named, TicketLike } from "./protocol.ts";

/** A stub, as the platform has it. */
export type Ticket = TicketLike & Partial<Disposable> & { onRpcBroken?(callback: () => void): void };

export function drop(ticket: Ticket): void {
  ticket[dispose]?.();
}

export class Lease {
  readonly id: string;
  /** Settles when the object knows that it is over, or is not to be reached. */
  ended: Promise<void> | undefined;
  readonly #line: Line;
  readonly #ticket: Ticket;
  readonly #leaseMs: number;
  readonly #controller = new AbortController();
  #timer: unknown;
  #heardAt = systemClock.now();

  constructor(id: string, line: Line, ticket: Ticket, leaseMs: number) {
    this.id = id;
    this.#line = line;
    this.#ticket = ticket;
    this.#leaseMs = leaseMs;
    // Its end may be that of the object's present life, which the lease outlives.
    ticket.onRpcBroken?.(() => void this.#renew());
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(usage: Named): void {
    if (this.ended) return;
    systemClock.clearTimeout(this.#timer);
    this.ended = this.#isLost ? Promise.resolve() : this.#release(usage);
    // A request that has answered is ended by the platform: not before this has arrived.
    waitUntil(this.ended);
  }

  get #isLost(): boolean {
    return this.signal.aborted;
  }

  async #release(usage: Named): Promise<void> {
    try {
      await this.#line.call((remote) => this.#line.within(remote.release(this.id, usage)));
    } catch {
      // It comes back when the lease ends.
    }
    drop(this.#ticket);
  }

  #arm(): void {
    this.#timer = systemClock.setTimeout(
      () => void this.#renew(),
      Math.min(this.#leaseMs / 3, LONGEST_TIMER_MS),
    );
  }

  async #renew(): Promise<void> {
    if (this.ended || this.#isLost) return;
    systemClock.clearTimeout(this.#timer);
    const askedAt = systemClock.now();
    try {
      const isHeld = await this.#line.call((remote) => this.#line.within(remote.renew(this.id)));
      if (!isHeld) this.#lose("the object has given them back, or has forgotten them");
      else this.#heardAt = askedAt;
    } catch {
      if (systemClock.now() - this.#heardAt >= this.#leaseMs) this.#lose("the object was not to be reached");
    }
    if (!this.ended && !this.#isLost) this.#arm();
  }

  #lose(why: string): void {
    if (!this.ended) this.#controller.abort(new LeaseLostError(why));
  }
}
