/** An acquisition of a peer: the host holds it, and gives it away when it has not heard of the peer for too long. */
import { Grant, type Granter } from "../acquisition/acquisition.ts";
import type { LeasedAcquisition } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts } from "../contract.ts";
import type { Holdings } from "./holdings.ts";

export class PortGrant<M extends string, K extends string = M>
  extends Grant<M, K>
  implements LeasedAcquisition<M, K>
{
  readonly #number: number;
  /** Undefined if it holds no resource, or no longer. */
  #holdings: Holdings | undefined;
  #controller: AbortController | undefined;

  constructor(
    granter: Granter<M, K>,
    units: readonly number[],
    number: number,
    covered: readonly boolean[] | undefined,
    waitedMs: number,
    holdings: Holdings,
  ) {
    super(granter, units, number, covered, waitedMs);
    this.#number = number;
    if (granter.requests.takesResources(units)) this.#holdings = holdings;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      this.#holdings?.follow(this.#number, this.#controller);
    }
    return this.#controller.signal;
  }

  override acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<LeasedAcquisition<M, K>> {
    return super.acquire(requested, options) as Promise<LeasedAcquisition<M, K>>;
  }

  override release(): void {
    // The loss is forgotten with the release: a signal that is asked for later shows it all the same.
    if (this.#holdings?.isLost(this.#number)) void this.signal;
    this.#holdings = undefined;
    super.release();
  }
}
