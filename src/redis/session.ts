/**
 * One Redis process's holdings under one lease. While they include resources, the lease is renewed. It ends when the server has not
 * heard of the process in time, or has forgotten it: then the signals of its acquisitions abort, and a new session begins.
 */
import type { Granter } from "../acquisition/acquisition.ts";
import { type LeakWatch, watchLeaks } from "../acquisition/leaks.ts";
import { type LeasedAcquisition, LeaseLostError } from "../acquisition/leased.ts";
import type { AcquireOptions, Acquisition, Amounts, OrMore } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { type Era, passCovered, passOn } from "../limits/era.ts";
import { CHARGES, GIVES_BACK, MISSES, type Requests } from "../limits/requests.ts";
import { LeaseSignals, RedisGrant } from "./grant.ts";

/** An acquisition of a set on a server; its `signal` aborts when the lease on its resources is lost. */
export type RedisAcquisition<M extends string = string, K extends string = OrMore<M>> = LeasedAcquisition<
  M,
  K
>;

/** The parts of its set that a session needs. */
export interface SessionTerms<K extends string> extends Pick<Granter<K>, "config" | "missingUpdate"> {
  /** The era of the set, as it is now. */
  readonly present: () => { readonly era: Era<K> };
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

/** The acquisitions that a session was granted in one era of its set. */
class EraGranter<K extends string> implements Granter<K> {
  readonly era: Era<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaks: LeakWatch | undefined;
  readonly #session: Session<K>;
  readonly #terms: SessionTerms<K>;

  constructor(session: Session<K>, terms: SessionTerms<K>, before: EraGranter<K> | undefined) {
    this.#session = session;
    this.#terms = terms;
    this.era = terms.present().era;
    this.config = terms.config;
    this.missingUpdate = terms.missingUpdate;
    // An acquisition from before may be dropped later.
    const isWatched = this.requests.resources.length > 0 || before?.leaks !== undefined;
    if (isWatched) this.leaks = watchLeaks(this, terms.onWarning, before?.leaks);
  }

  get requests(): Requests<K> {
    return this.era.requests;
  }

  get closed(): boolean {
    return this.#terms.isClosed();
  }

  settle(token: number, taken: readonly number[], used: readonly number[] | undefined): boolean {
    if (this.requests.takesResources(taken)) this.#session.released();
    const due = taken.map(() => 0);
    const what = this.requests.settlement(taken, used, due);
    if ((what & (GIVES_BACK | CHARGES)) !== 0 && !this.closed) {
      const passed = passOn(this.era, this.#terms.present().era, due);
      if (passed.some((units) => units !== 0)) this.#terms.settle(this.#session, passed, token);
    }
    return (what & MISSES) !== 0;
  }

  present(units: readonly number[]): readonly [Requests<K>, readonly number[]] {
    const { era } = this.#terms.present();
    return [era.requests, passOn(this.era, era, units)];
  }

  acquireNested(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ): Promise<RedisAcquisition<K, K>> {
    const passed = passCovered(this.era, this.#terms.present().era, covered);
    return this.#terms.acquireNested(requested, options, passed);
  }
}

export class Session<K extends string> {
  readonly id = crypto.randomUUID();
  /** Until when the lease is good at least, in milliseconds by the set's clock. */
  leasedUntil = 0;
  /** The number of the last batch with which the server has stored the session. */
  written = 0;
  readonly #terms: SessionTerms<K>;
  readonly #signals = new LeaseSignals();
  #granter: EraGranter<K>;
  #held = 0;

  constructor(terms: SessionTerms<K>) {
    this.#terms = terms;
    this.#granter = new EraGranter(this, terms, undefined);
  }

  /** It grants in the present era. */
  get granter(): Granter<K> {
    return this.#granter;
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
  ): RedisAcquisition<K, K> {
    const holds = this.#granter.requests.takesResources(units);
    if (holds) this.#held++;
    const signals = holds ? this.#signals : undefined;
    return new RedisGrant<K>(this.#granter, units, token, covered, waitedMs, signals);
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
