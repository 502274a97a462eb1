/**
 * One Redis process's holdings under one lease. While they include resources, the lease is renewed. It ends when the server has not
 * heard of the process in time, or has forgotten it: then the signals of its acquisitions abort, and a new session begins.
 */
import type { Granter } from "../acquisition/acquisition.ts";
import { type LeakWatch, watchLeaks } from "../acquisition/leaks.ts";
import { type LeasedAcquisition, LeaseLostError } from "../acquisition/leased.ts";
import type { AcquireOptions, Acquisition, Amounts, OrMore } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { CHARGES, GIVES_BACK, MISSES, type Requests } from "../limits/requests.ts";
import { LeaseSignals, RedisGrant } from "./grant.ts";

/** An acquisition of a set on a server; its `signal` aborts when the lease on its resources is lost. */
export type RedisAcquisition<M extends string = string, K extends string = OrMore<M>> = LeasedAcquisition<
  M,
  K
>;

/** The parts of its set that a session needs. */
export interface SessionTerms<K extends string>
  extends Pick<Granter<K>, "requests" | "config" | "missingUpdate"> {
  readonly onWarning: (warning: LimitError) => void;
  readonly isClosed: () => boolean;
  readonly acquireNested: (
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ) => Promise<RedisAcquisition<K, K>>;
  /** Settles on the server what is `due`. */
  settle(session: Session<K>, due: readonly number[], token: number): void;
}

export class Session<K extends string> implements Granter<K> {
  readonly id = crypto.randomUUID();
  readonly requests: Requests<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaks: LeakWatch | undefined;
  /** Until when the lease is good at least, in milliseconds by the set's clock. */
  leasedUntil = 0;
  /** The number of the last batch with which the server has stored the session. */
  written = 0;
  readonly #terms: SessionTerms<K>;
  readonly #signals = new LeaseSignals();
  #held = 0;

  constructor(terms: SessionTerms<K>) {
    this.#terms = terms;
    this.requests = terms.requests;
    this.config = terms.config;
    this.missingUpdate = terms.missingUpdate;
    if (terms.requests.resources.length > 0) this.leaks = watchLeaks(this, terms.onWarning);
  }

  /** How many acquisitions hold resources. */
  get held(): number {
    return this.#held;
  }

  get isLost(): boolean {
    return this.#signals.isLost;
  }

  get closed(): boolean {
    return this.#terms.isClosed();
  }

  grant(
    units: readonly number[],
    token: number,
    covered?: readonly boolean[],
    waitedMs = 0,
  ): RedisAcquisition<K, K> {
    const holds = this.requests.takesResources(units);
    if (holds) this.#held++;
    return new RedisGrant<K>(this, units, token, covered, waitedMs, holds ? this.#signals : undefined);
  }

  lose(why: string): void {
    if (!this.isLost) this.#signals.abort(new LeaseLostError(why));
  }

  settle(token: number, taken: readonly number[], used: readonly number[] | undefined): boolean {
    if (this.requests.takesResources(taken)) this.#held--;
    const due = taken.map(() => 0);
    const what = this.requests.settlement(taken, used, due);
    if ((what & (GIVES_BACK | CHARGES)) !== 0 && !this.closed) this.#terms.settle(this, due, token);
    return (what & MISSES) !== 0;
  }

  acquireNested(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ): Promise<RedisAcquisition<K, K>> {
    return this.#terms.acquireNested(requested, options, covered);
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
