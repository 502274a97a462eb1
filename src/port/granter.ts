/** The granter of a connection: its acquisitions are held by the host, which knows each by its number. */
import type { Denial, Granter } from "../acquisition/acquisition.ts";
import { type LeakWatch, watchLeaks } from "../acquisition/leaks.ts";
import type { AcquireOptions, Acquisition, Amounts } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import type { Requests } from "../limits/requests.ts";

/** The facts of the set, and the parts of its connection that acquisitions use. */
export interface PortGranterInit<M extends string, K extends string = M>
  extends Pick<Granter<M, K>, "requests" | "config" | "missingUpdate"> {
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

export class PortGranter<M extends string, K extends string = M> implements Granter<M, K> {
  readonly requests: Requests<M, K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaks: LeakWatch;
  readonly #init: PortGranterInit<M, K>;

  constructor(init: PortGranterInit<M, K>) {
    this.requests = init.requests;
    this.config = init.config;
    this.missingUpdate = init.missingUpdate;
    this.#init = init;
    this.leaks = watchLeaks(this, init.onWarning);
  }

  get closed(): boolean {
    return this.#init.isClosed();
  }

  /** The host settles; this side only reports the usage. */
  settle(number: number, taken: readonly number[], used: readonly number[] | undefined): boolean {
    this.#init.release(number, this.requests.usage(taken, used));
    return this.requests.misses(taken, used);
  }

  acquireNested(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
    number: number,
  ): Promise<Acquisition<M, K>> {
    return this.#init.acquire(requested, options, covered, number);
  }

  denial(limitedBy: readonly number[]): Denial<K> {
    return { config: this.config, limitedBy: Object.freeze(limitedBy.map((i) => this.requests.keys[i]!)) };
  }
}
