/**
 * One Redis process's holdings under one lease. While they include resources, the lease is renewed. It ends when the server has not
 * heard of the process in time, or has forgotten it: then the signals of its acquisitions abort, and a new session begins.
 */
import type { Granter } from "../acquisition/acquisition.ts";
import { LeaseLostError } from "../acquisition/leased.ts";
import type { Acquisition } from "../contract.ts";
import { EraGranter, type RedisAcquisition, type SessionTerms } from "./era-granter.ts";
import { LeaseSignals, RedisGrant } from "./grant.ts";
import type { Place } from "./place.ts";

export class Session<K extends string> {
  readonly id: string = someName();
  /** Until when the lease is good at least, in milliseconds by the set's clock. */
  leasedUntil = 0;
  /** The number of the last batch with which the server has stored the session. */
  written = 0;
  readonly #terms: SessionTerms<K, Session<K>>;
  readonly #signals = new LeaseSignals();
  #granter: EraGranter<K, Session<K>>;
  #held = 0;

  constructor(terms: SessionTerms<K, Session<K>>) {
    this.#terms = terms;
    this.#granter = new EraGranter(this, terms);
  }

  /** It grants in the present era, in the partitions of a place. */
  granterIn(place: Place | undefined): Granter<K> {
    return this.#granter.in(place);
  }

  /** How many acquisitions hold resources. */
  get held(): number {
    return this.#held;
  }

  get isLost(): boolean {
    return this.#signals.isLost;
  }

  /** The set has gone on to another era. */
  renew(): void {
    this.#granter = new EraGranter(this, this.#terms, this.#granter);
  }

  grant(
    units: readonly number[],
    token: number,
    covered?: readonly boolean[],
    waitedMs = 0,
    place?: Place,
  ): RedisAcquisition<K, K> {
    const granter = this.#granter.in(place);
    const holds = granter.requests.takesResources(units);
    if (holds) this.#held++;
    const signals = holds ? this.#signals : undefined;
    return new RedisGrant<K>(granter, units, token, covered, waitedMs, signals);
  }

  /** An acquisition that held resources has been released. */
  released(): void {
    this.#held--;
  }

  lose(why: string): void {
    if (!this.isLost) this.#signals.abort(new LeaseLostError(why));
  }
}

/** An acquisition that was granted without the server, and so has no lease. */
export function unleased<K extends string>(acquisition: Acquisition<K, K>): RedisAcquisition<K, K> {
  let signal: AbortSignal | undefined;
  const get = () => {
    signal ??= new AbortController().signal;
    return signal;
  };
  return Object.defineProperty(acquisition, "signal", { get }) as RedisAcquisition<K, K>;
}

/** A name that no other session has: 120 random bits. It is short, since each call has it. */
function someName(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(15))));
}
