/** Leased acquisitions: resources stay held only while the holder keeps renewing. */

import type { AcquireOptions, Acquisition, Amounts, OrMore } from "../contract.ts";
import { InvalidLimitError, LimitError } from "../errors.ts";
import { Grant, type Granter, Refusal } from "./acquisition.ts";

/**
 * The lease on the resources of an acquisition has ended before the release: the backend heard nothing of the holder for too long
 * (`leaseMs`, or 25 s over a port), or it has lost the lease, or the connection to it is gone. Other holders may have the resources by now. The error is not thrown: it is the reason of
 * the acquisition's `signal`. Stop using the resources: pass the signal to the code that uses them.
 */
export class LeaseLostError extends LimitError {
  static override get code() {
    return "ERR_LEASE_LOST" as const;
  }

  constructor(why: string) {
    super(new.target.code, `${LOST}${why}`);
  }
}

const LOST = "the held resources are lost: ";

/** Why a lease was lost, of a signal's reason that is a `LeaseLostError`. */
export function whyLost({ message }: Error): string {
  return message.startsWith(LOST) ? message.slice(LOST.length) : message;
}

/** An acquisition whose resources stay held only while the holder keeps renewing its lease. */
export interface LeasedAcquisition<M extends string = string, K extends string = OrMore<M>>
  extends Acquisition<M, K> {
  /**
   * Aborts when the lease on the held resources is lost: other holders may have them by now. Its reason is a
   * `LeaseLostError`. It never aborts where no resource is held.
   */
  readonly signal: AbortSignal;
  /**
   * Acquires more on top of this acquisition: a nested request, which takes nothing automatically of the limits that this
   * acquisition holds.
   */
  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<LeasedAcquisition<M, K>>;
}

const LEAST_LEASE_MS = 10;
const LONGEST_LEASE_MS = 2 ** 51 / 1000;

/**
 * Checks the option `leaseMs`: how long resources stay held although nothing is heard of their holder.
 *
 * @throws {InvalidLimitError} if it is out of bounds.
 */
export function checkLease(leaseMs: unknown): void {
  if (typeof leaseMs === "number" && leaseMs >= LEAST_LEASE_MS && leaseMs <= LONGEST_LEASE_MS) return;
  const bounds = `from ${LEAST_LEASE_MS} to ${LONGEST_LEASE_MS} milliseconds`;
  throw new InvalidLimitError("leaseMs", leaseMs, bounds);
}

export class LeasedGrant<M extends string, K extends string = M>
  extends Grant<M, K>
  implements LeasedAcquisition<M, K>
{
  readonly signal: AbortSignal;

  constructor(
    granter: Granter<M, K>,
    units: readonly number[],
    token: number,
    covered: readonly boolean[] | undefined,
    signal: AbortSignal,
    waitedMs = 0,
  ) {
    super(granter, units, token);
    this.covered = covered;
    this.waitedMs = waitedMs;
    this.signal = signal;
  }

  override acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<LeasedAcquisition<M, K>> {
    return super.acquire(requested, options) as Promise<LeasedAcquisition<M, K>>;
  }
}

/** The refusal of a try, for backends with leases. */
export class LeasedRefusal<M extends string, K extends string = M>
  extends Refusal<M, K>
  implements LeasedAcquisition<M, K>
{
  // A new signal each time: at the edge, one HTTP request must not use an object that another has made.
  get signal(): AbortSignal {
    return new AbortController().signal;
  }

  override acquire(): Promise<LeasedAcquisition<M, K>> {
    return super.acquire() as Promise<LeasedAcquisition<M, K>>;
  }
}
