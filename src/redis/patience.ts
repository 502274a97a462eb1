/**
 * How long an answer may be missing before the server counts as away. Only time counts in which this process ran: after it was
 * blocked or frozen, the answer may be here and not have been read. And none counts in which the server answered calls that were
 * made before, since calls of one connection are answered in order.
 */
import { systemClock, unref } from "../platform/clock.ts";
import { afterInput } from "../platform/turn.ts";
import type { Pulse } from "./pulse.ts";

/** A look after each part of the deadline: one that comes late shows that the process stood still. */
const LOOKS = 4;

export class Patience {
  readonly #deadlineMs: number;
  readonly #pulse: Pick<Pulse, "beats">;
  readonly #missed: () => void;
  readonly #rested: () => void;
  /** The next look. It is left to run while calls follow each other: setting it anew would cost each of them. */
  #timer: unknown;
  readonly #ring = () => {
    this.#timer = undefined;
    this.#look();
  };
  /** When the next look is, by the platform's clock. */
  #looksAt = Number.POSITIVE_INFINITY;
  #stoodStillMs = 0;
  /** When the deadline ends, by `now`; Infinity if none is watched. */
  #endsAt = Number.POSITIVE_INFINITY;
  /** The call that is on its way, as at the last look; and the beats until then. */
  #call = 0;
  #seenCall = 0;
  #seenBeats = 0;
  #calls = 0;
  /** Changes whenever the watch does. */
  #watches = 0;

  /** `rested` is called once the watch has ended and no other has begun for a while. */
  constructor(deadlineMs: number, pulse: Pick<Pulse, "beats">, missed: () => void, rested: () => void) {
    this.#deadlineMs = deadlineMs;
    this.#pulse = pulse;
    this.#missed = missed;
    this.#rested = rested;
  }

  /** Milliseconds by a clock that stands still while the process does, if a deadline is watched. */
  get now(): number {
    const now = systemClock.now();
    if (now > this.#looksAt) {
      this.#stoodStillMs += now - this.#looksAt;
      this.#looksAt = now;
    }
    return now - this.#stoodStillMs;
  }

  /** A call is on its way. */
  called(): void {
    this.#call = ++this.#calls;
  }

  /** The call has ended. */
  ended(): void {
    this.#call = 0;
  }

  /** Watches whether an answer comes within the deadline, counted from `since`. If it does already: does nothing. */
  watch(since: number): void {
    if (this.#endsAt !== Number.POSITIVE_INFINITY) return;
    this.#endsAt = since + this.#deadlineMs;
    this.#watches++;
    this.#remember();
    if (this.#timer === undefined || this.#endsAt + this.#stoodStillMs < this.#looksAt) this.#arm();
    else (this.#timer as { ref?(): void }).ref?.();
  }

  /** Ends the watch. The next look ends the timer, which is no reason for the process to go on. */
  rest(): void {
    if (this.#endsAt === Number.POSITIVE_INFINITY) return;
    this.#endsAt = Number.POSITIVE_INFINITY;
    this.#watches++;
    if (this.#timer === undefined) this.#rested();
    else unref(this.#timer);
  }

  stop(): void {
    this.#clear();
    this.#looksAt = this.#endsAt = Number.POSITIVE_INFINITY;
    this.#watches++;
  }

  #arm(): void {
    const now = this.now;
    const read = systemClock.now();
    const ms = Math.min(Math.max(this.#endsAt - now, 0), this.#deadlineMs / LOOKS);
    this.#clear();
    this.#looksAt = read + ms;
    this.#timer = systemClock.setTimeout(this.#ring, ms);
  }

  #clear(): void {
    if (this.#timer !== undefined) systemClock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.#endsAt === Number.POSITIVE_INFINITY) {
      this.#looksAt = Number.POSITIVE_INFINITY;
      this.#rested();
      return;
    }
    this.#prolong(this.now);
    if (this.now < this.#endsAt) {
      this.#arm();
      return;
    }
    this.#looksAt = Number.POSITIVE_INFINITY;
    const watch = this.#watches;
    afterInput(() => {
      if (watch !== this.#watches) return;
      this.#prolong(this.now);
      if (this.now < this.#endsAt) this.#arm();
      else {
        this.stop();
        this.#missed();
      }
    });
  }

  /** The deadline begins anew if calls were answered that were made before the one that is on its way. */
  #prolong(now: number): void {
    const isSame = this.#call !== 0 && this.#call === this.#seenCall;
    if (isSame && this.#pulse.beats !== this.#seenBeats) this.#endsAt = now + this.#deadlineMs;
    this.#remember();
  }

  #remember(): void {
    this.#seenCall = this.#call;
    this.#seenBeats = this.#pulse.beats;
  }
}
