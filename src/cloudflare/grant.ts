/** An acquisition, as the client has it. */
import type { Granter } from "../acquisition/acquisition.ts";
import { LeasedGrant } from "../acquisition/leased.ts";
import { asyncDispose } from "../platform/dispose.ts";
import type { Lease } from "./lease.ts";

/** What was granted, and the lease on it; none where nothing was taken. */
export class DurableGrant<K extends string> extends LeasedGrant<K> {
  readonly lease: Lease | undefined;

  constructor(
    granter: Granter<K>,
    units: readonly number[],
    number: number,
    covered: readonly boolean[] | undefined,
    signal: AbortSignal,
    lease: Lease | undefined,
  ) {
    super(granter, units, number, covered, signal);
    this.lease = lease;
  }

  /** Also waits until the object knows. */
  override async [asyncDispose](): Promise<void> {
    try {
      this.release();
    } finally {
      await this.lease?.ended;
    }
  }
}
