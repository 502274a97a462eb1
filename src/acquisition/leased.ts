/** Acquisitions that hold what they hold for as long as somebody is heard of who has them. */

import type { AcquireOptions, Acquisition, Amounts } from "../contract.ts";
import { InvalidLimitError, LimitError } from "../errors.ts";
import { Grant, type Granter, Refusal } from "./acquisition.ts";

/**
 * The lease on what an acquisition holds has ended before its release: its holder was not heard of for `leaseMs`, or where the
 * limits live it has been forgotten. Others may hold the same by now. The reason of the acquisition's `signal`.
 */
export class LeaseLostError extends LimitError {
  constructor(why: string) {
    super("ERR_LEASE_LOST", `the resources held are held no more: ${why}`);
  }
}

/** An acquisition whose resources stay held only while the holder keeps renewing its lease. */
export interface LeasedAcquisition<K extends string = string> extends Acquisition<K> {
  /**
   * Aborts when the lease on the resources held has been lost: others may hold them by now. Its reason is a
   * `LeaseLostError`. Never aborts where no resource is held.
   */
  readonly signal: AbortSignal;
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<LeasedAcquisition<K>>;
}

const LEAST_LEASE_MS = 10;
const LONGEST_LEASE_MS = 2 ** 51 / 1000;

/**
 * How long who is not heard of holds what it holds.
 *
 * @throws {InvalidLimitError} if it makes no sense.
 */
export function checkLease(leaseMs: unknown): void {
  if (typeof leaseMs === "number" && leaseMs >= LEAST_LEASE_MS && leaseMs <= LONGEST_LEASE_MS) return;
  const bounds = `from ${LEAST_LEASE_MS} to ${LONGEST_LEASE_MS} milliseconds`;
  throw new InvalidLimitError("leaseMs", leaseMs, bounds);
}

let never: AbortSignal | undefined;

/** The signal of what has no lease. Made when first wanted: some platforms make none outside of requests. */
export function neverAborted(): AbortSignal {
  never ??= new AbortController().signal;
  return never;
}

export class LeasedGrant<K extends string> extends Grant<K> implements LeasedAcquisition<K> {
  readonly signal: AbortSignal;

  constructor(
    granter: Granter<K>,
    units: readonly number[],
    takenAt: number,
    covered: readonly boolean[] | undefined,
    signal: AbortSignal,
  ) {
    super(granter, units, takenAt, covered);
    this.signal = signal;
  }

  override acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<LeasedAcquisition<K>> {
    return super.acquire(requested, options) as Promise<LeasedAcquisition<K>>;
  }
}

/** The answer to a try that was refused. */
export class LeasedRefusal<K extends string> extends Refusal<K> implements LeasedAcquisition<K> {
  // Not one for all: at the edge, what one request makes is not for another.
  get signal(): AbortSignal {
    return new AbortController().signal;
  }

  override acquire(): Promise<LeasedAcquisition<K>> {
    return super.acquire() as Promise<LeasedAcquisition<K>>;
  }
}
