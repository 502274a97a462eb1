/** The granter of a connection: its acquisitions are held by the host, which knows each by its number. */
import type { Denial, Granter } from "../acquisition/acquisition.ts";
import type { Held } from "../acquisition/bodies.ts";
import { type LeakWatch, watchLeaks } from "../acquisition/leaks.ts";
import type { AcquireOptions, Acquisition, Amounts } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { type Era, passCovered, passOn } from "../limits/era.ts";
import type { Requests } from "../limits/requests.ts";

/** The facts of the set, and the parts of its connection that acquisitions use. */
export interface PortGranterInit<M extends string, K extends string = M>
  extends Pick<Granter<M, K>, "config" | "missingUpdate"> {
  readonly era: Era<M, K>;
  /** The era of the set by now. */
  readonly present: () => Era<M, K>;
  readonly onWarning: (warning: LimitError) => void;
  /** Acquires on top of the acquisition with the number `around`, which holds the `covered` limits. */
  readonly acquire: (
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
    around: number,
  ) => Promise<Acquisition<M, K>>;
  readonly release: (number: number, usage: readonly (number | null)[]) => void;
  readonly isClosed: () => boolean;
}

/** What differs where the acquisitions are those of a view. */
interface OfView<M extends string, K extends string = M>
  extends Pick<PortGranterInit<M, K>, "era" | "present" | "acquire"> {
  /** The partitions that the view names. */
  readonly place: Wards;
}

interface Wards {
  /** What the partition is called from which is taken of limit `index`. */
  wardOf(index: number): string | undefined;
}

export class PortGranter<M extends string, K extends string = M> implements Granter<M, K> {
  readonly era: Era<M, K>;
  readonly requests: Requests<M, K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaks: LeakWatch;
  readonly #init: PortGranterInit<M, K>;

  readonly place: Wards | undefined;
  /** That of the set, where this is one of a view. */
  readonly #home: PortGranter<M, K>;

  /** `before` is the granter of the era before. */
  constructor(
    init: PortGranterInit<M, K>,
    before?: PortGranter<M, K>,
    home?: PortGranter<M, K>,
    place?: Wards,
  ) {
    this.#home = home ?? this;
    this.place = place;
    this.era = init.era;
    this.requests = init.era.requests;
    this.config = init.config;
    this.missingUpdate = init.missingUpdate;
    this.#init = init;
    this.leaks = home?.leaks ?? watchLeaks(this, init.onWarning, before?.leaks);
  }

  /** The same, for the acquisitions of a view. */
  ofView({ place, ...init }: OfView<M, K>): PortGranter<M, K> {
    return new PortGranter({ ...this.#init, ...init }, undefined, this, place);
  }

  get setEra(): Era<M, K> {
    return this.#home.era;
  }

  /** The requests of the set, by which its bodies are told from those of others. */
  get setRequests(): Requests<M, K> {
    return this.#home.requests;
  }

  get closed(): boolean {
    return this.#init.isClosed();
  }

  /** The host settles; this side only reports the usage. */
  settle(number: number, taken: readonly number[], used: readonly number[] | undefined): boolean {
    this.#init.release(number, this.requests.usage(taken, used));
    if (this.#init.present() !== this.era) this.leaks.rest();
    return this.requests.misses(taken, used);
  }

  present(units: readonly number[]): Held {
    const present = this.#init.present();
    const { requests } = this.#home.#init.present();
    return [requests, passOn(this.era, present, units), this.place as Held[2]];
  }

  acquireNested(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
    number: number,
  ): Promise<Acquisition<M, K>> {
    const present = this.#init.present();
    return this.#init.acquire(requested, options, passCovered(this.era, present, covered), number);
  }

  denial(limitedBy: readonly number[]): Denial<K> {
    return { config: this.config, limitedBy: Object.freeze(limitedBy.map((i) => this.requests.keys[i]!)) };
  }
}
