/** An acquisition of a peer: the host holds it, and gives it away when it has not heard of the peer for too long. */
import { Grant, type Granter } from "../acquisition/acquisition.ts";
import type { LeasedAcquisition } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts } from "../contract.ts";
import { explicit, passCovered } from "../limits/era.ts";
import type { PortGranter } from "./granter.ts";
import type { Holdings } from "./holdings.ts";
import { readAmounts, readOptional } from "./reading.ts";

/** A request as it was asked: by whose limits, and in which units. */
export interface Asked<M extends string, K extends string> {
  readonly granter: PortGranter<M, K>;
  readonly units: readonly number[];
  readonly covered: readonly boolean[] | undefined;
}

/** A request as it was granted: perhaps under other limits. */
export interface Granted<M extends string, K extends string> extends Asked<M, K> {
  readonly waitedMs: number;
}

/**
 * Reads a grant. If it comes with amounts, it is one under the limits that the host has told of last, those of `present`. Undefined if it
 * is unreadable.
 */
export function readGrant<M extends string, K extends string>(
  asked: Asked<M, K>,
  present: PortGranter<M, K>,
  [waited, packed]: readonly unknown[],
): Granted<M, K> | undefined {
  const waitedMs = readOptional(waited);
  if (waitedMs === undefined) return undefined;
  if (packed === undefined) return { ...asked, waitedMs };
  const { names } = present.requests;
  const amounts = readAmounts(packed, names);
  if (!amounts) return undefined;
  try {
    const units = present.requests.parse(explicit(names, amounts) as Amounts<M>);
    const covered = asked.covered && passCovered(asked.granter.era, present.era, asked.covered);
    return { granter: present, units, covered, waitedMs };
  } catch {
    return undefined;
  }
}

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
    super(granter, units, number);
    this.covered = covered;
    this.waitedMs = waitedMs;
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
