/** An acquisition of a hosted set, on the client's side. */
import type { Granter } from "../acquisition/acquisition.ts";
import { LeasedGrant } from "../acquisition/leased.ts";
import { asyncDispose } from "../platform/dispose.ts";
import type { Lease } from "./lease.ts";

/** A granted request, with its lease. A request that took nothing has none. */
export class DurableGrant<M extends string, K extends string = M> extends LeasedGrant<M, K> {
  readonly lease: Lease | undefined;

  constructor(
    granter: Granter<M, K>,
    units: readonly number[],
    token: number,
    covered: readonly boolean[] | undefined,
    signal: AbortSignal,
    lease: Lease | undefined,
    waitedMs: number | undefined,
  ) {
    super(granter, units, token, covered, signal, waitedMs);
    this.lease = lease;
  }

  /** Releases, and waits until the object has taken the release. */
  override async [asyncDispose](): Promise<void> {
    try {
      this.release();
    } finally {
      await this.lease?.ended;
    }
  }
}
