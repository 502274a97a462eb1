/** Renews a session's lease in time while the session holds something. */
import { type Clock, LONGEST_TIMER_MS, unref } from "../platform/clock.ts";

/** Whose lease it is. */
export interface Lessee {
  session(): {
    /** How many acquisitions hold something. */
    readonly held: number;
    /** Until when the lease is good at least. */
    readonly leasedUntil: number;
  };
  isAway(): boolean;
  /** The renewal is due: it goes with the next batch. */
  kick(): void;
  /** The lease has ended unrenewed. */
  lost(why: string): void;
}

export class Renewal {
  readonly #leaseMs: number;
  readonly #clock: Clock;
  readonly #lessee: Lessee;
  #timer: unknown;
  #isDue = false;

  constructor(leaseMs: number, clock: Clock, lessee: Lessee) {
    this.#leaseMs = leaseMs;
    this.#clock = clock;
    this.#lessee = lessee;
  }

  /** Whether the next batch has to renew; asked once. */
  takeDue(): boolean {
    const isDue = this.#isDue;
    this.#isDue = false;
    return isDue;
  }

  /** Sets the timer if something is held. */
  watch(): void {
    const { held, leasedUntil } = this.#lessee.session();
    if (this.#timer !== undefined || held === 0) return;
    const now = this.#clock.now();
    const renewAt = this.#renewAt(leasedUntil);
    const at = renewAt > now ? renewAt : Math.min(leasedUntil, now + this.#leaseMs / 6);
    const ms = Math.min(Math.max(at - now, 0), LONGEST_TIMER_MS);
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#renew();
    }, ms);
    unref(this.#timer);
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** With a third of its time gone: two more attempts fit in before it ends. */
  #renewAt(leasedUntil: number): number {
    return leasedUntil - (this.#leaseMs * 2) / 3;
  }

  #renew(): void {
    const { held, leasedUntil } = this.#lessee.session();
    const now = this.#clock.now();
    if (held === 0) return;
    if (leasedUntil <= now && this.#lessee.isAway()) {
      this.#lessee.lost(`the server has not been heard of for ${this.#leaseMs} ms`);
      return;
    }
    if (this.#renewAt(leasedUntil) <= now) {
      this.#isDue = true;
      this.#lessee.kick();
    }
    this.watch();
  }
}
