/** Renews a session's lease in time while the session holds something. */
import type { Clock } from "../platform/clock.ts";
import { Alarm } from "../waiting/alarm.ts";

/** The holder of the lease. */
export interface Lessee {
  readonly current: {
    /** How many acquisitions hold something. */
    readonly held: number;
    /** Until when the lease is good at least, in milliseconds since the epoch. */
    readonly leasedUntil: number;
  };
  readonly isAway: boolean;
  /** The renewal is due: it goes with the next batch. */
  renew(): void;
  /** The lease has ended unrenewed. */
  lose(why: string): void;
}

export class Renewal {
  readonly #leaseMs: number;
  readonly #clock: Clock;
  readonly #lessee: Lessee;
  readonly #alarm: Alarm;
  #isDue = false;

  constructor(leaseMs: number, clock: Clock, lessee: Lessee) {
    this.#leaseMs = leaseMs;
    this.#clock = clock;
    this.#lessee = lessee;
    this.#alarm = new Alarm(clock, () => this.#renew(), false);
  }

  /** Whether the next batch has to renew. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** The same; true once. */
  takeDue(): boolean {
    const isDue = this.#isDue;
    this.#isDue = false;
    return isDue;
  }

  /** The next batch has to renew. */
  putBack(): void {
    this.#isDue = true;
  }

  /** Sets the timer if something is held. */
  watch(): void {
    const { held, leasedUntil } = this.#lessee.current;
    if (this.#alarm.isSet || held === 0) return;
    const now = this.#clock.now();
    const renewAt = this.#renewAt(leasedUntil);
    this.#alarm.ringBy(renewAt > now ? renewAt : Math.min(leasedUntil, now + this.#leaseMs / 6), now);
  }

  stop(): void {
    this.#alarm.clear();
  }

  /** After a third of the lease: two more attempts fit in before it ends. */
  #renewAt(leasedUntil: number): number {
    return leasedUntil - (this.#leaseMs * 2) / 3;
  }

  #renew(): void {
    const { held, leasedUntil } = this.#lessee.current;
    const now = this.#clock.now();
    if (held === 0) return;
    if (leasedUntil <= now && this.#lessee.isAway) {
      this.#lessee.lose(`the server has not been heard of for ${this.#leaseMs} ms`);
      return;
    }
    if (this.#renewAt(leasedUntil) <= now) {
      this.#isDue = true;
      this.#lessee.renew();
    }
    this.watch();
  }
}
