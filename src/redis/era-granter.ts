/** The granter of the acquisitions that a session was granted in one era of its set: of the set, or of a view. */
import type { Granter } from "../acquisition/acquisition.ts";
import type { Held } from "../acquisition/bodies.ts";
import { type LeakWatch, watchLeaks } from "../acquisition/leaks.ts";
import type { LeasedAcquisition } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts, OrMore } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { type Era, passCovered, passOn } from "../limits/era.ts";
import { CHARGES, GIVES_BACK, MISSES, type Requests } from "../limits/requests.ts";
import type { Place, Places } from "./place.ts";

/** An acquisition of a set on a server; its `signal` aborts when the lease on its resources is lost. */
export type RedisAcquisition<M extends string = string, K extends string = OrMore<M>> = LeasedAcquisition<
  M,
  K
>;

/** The parts of its set that a session needs. */
export interface SessionTerms<K extends string, S> extends Pick<Granter<K>, "config" | "missingUpdate"> {
  /** The era of the set, as it is now. */
  readonly present: () => { readonly era: Era<K> };
  readonly onWarning: (warning: LimitError) => void;
  readonly isClosed: () => boolean;
  readonly acquireNested: (
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
    places: Places | undefined,
  ) => Promise<RedisAcquisition<K, K>>;
  /** Settles on the server what is `due`, in the partitions of a place. */
  settle(session: S, due: readonly number[], token: number, place: Place | undefined): void;
}

/** The session that has granted. */
interface Holder {
  /** An acquisition that held resources has been released. */
  released(): void;
}

export class EraGranter<K extends string, S extends Holder> implements Granter<K> {
  readonly era: Era<K>;
  /** The partitions of the view; undefined for the set. */
  readonly place: Place | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaks: LeakWatch | undefined;
  readonly #session: S;
  readonly #terms: SessionTerms<K, S>;
  /** That of the set, where this is one of a view. */
  readonly #home: EraGranter<K, S>;
  readonly #views = new WeakMap<Place, EraGranter<K, S>>();

  /** `before` is the granter of the era before. */
  constructor(
    session: S,
    terms: SessionTerms<K, S>,
    before?: EraGranter<K, S>,
    home?: EraGranter<K, S>,
    place?: Place,
  ) {
    this.#session = session;
    this.#terms = terms;
    this.#home = home ?? this;
    this.place = place;
    this.era = (place?.era as Era<K> | undefined) ?? terms.present().era;
    this.config = terms.config;
    this.missingUpdate = terms.missingUpdate;
    // An acquisition from before may be dropped later.
    const isWatched = this.requests.resources.length > 0 || before?.leaks !== undefined;
    if (home) this.leaks = home.leaks;
    else if (isWatched) this.leaks = watchLeaks(this, terms.onWarning, before?.leaks);
  }

  /** The granter of the acquisitions of a view. */
  in(place: Place | undefined): EraGranter<K, S> {
    if (!place) return this;
    let granter = this.#views.get(place);
    if (!granter) {
      granter = new EraGranter(this.#session, this.#terms, undefined, this, place);
      this.#views.set(place, granter);
    }
    return granter;
  }

  get requests(): Requests<K> {
    return this.era.requests;
  }

  get setEra(): Era<K> {
    return this.#home.era;
  }

  get closed(): boolean {
    return this.#terms.isClosed();
  }

  settle(token: number, taken: readonly number[], used: readonly number[] | undefined): boolean {
    if (this.requests.takesResources(taken)) this.#session.released();
    const due = taken.map(() => 0);
    const what = this.requests.settlement(taken, used, due);
    if ((what & (GIVES_BACK | CHARGES)) !== 0 && !this.closed) {
      const { era } = this.#terms.present();
      const passed = passOn(this.setEra, era, due);
      const place = this.place?.places.in(era as unknown as Era);
      if (passed.some((units) => units !== 0)) this.#terms.settle(this.#session, passed, token, place);
    }
    return (what & MISSES) !== 0;
  }

  present(units: readonly number[]): Held {
    const { era } = this.#terms.present();
    const place = this.place?.places.in(era as unknown as Era);
    return [era.requests, passOn(this.setEra, era, units), place];
  }

  acquireNested(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ): Promise<RedisAcquisition<K, K>> {
    const passed = passCovered(this.setEra, this.#terms.present().era, covered);
    return this.#terms.acquireNested(requested, options, passed, this.place?.places);
  }
}
