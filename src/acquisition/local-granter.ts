/** What the grants of a set in this isolate need of it: where they settle. */

import type { AcquireOptions, Acquisition, Amounts } from "../contract.ts";
import { type Region, SETTLE } from "../core/region.ts";
import { type LimitError, UnreleasedAcquisitionWarning } from "../errors.ts";
import { CHARGES, GIVES_BACK, type Requests } from "../limits/requests.ts";
import type { Clock } from "../platform/clock.ts";
import type { Queue } from "../waiting/gate.ts";
import type { Granter } from "./acquisition.ts";
import { LeakWatch } from "./leaks.ts";

/** The parts of a set that settling needs. */
export interface LocalSet<K extends string> {
  readonly requests: Requests<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly clock: Clock;
  readonly queue: Queue<Acquisition<K>>;
  readonly region: Region;
  readonly onWarning: (warning: LimitError) => void;
  readonly acquireNested: Granter<K>["acquireNested"];
}

export class LocalGranter<K extends string> implements Granter<K> {
  readonly requests: Requests<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaks: LeakWatch | undefined;
  private readonly clock: Clock;
  private readonly queue: Queue<Acquisition<K>>;
  private readonly onWarning: (warning: LimitError) => void;
  private readonly nested: Granter<K>["acquireNested"];
  private region: Region | undefined;

  constructor(set: LocalSet<K>) {
    this.requests = set.requests;
    this.config = set.config;
    this.missingUpdate = set.missingUpdate;
    this.clock = set.clock;
    this.queue = set.queue;
    this.region = set.region;
    this.nested = set.acquireNested;
    this.onWarning = set.onWarning;
    if (set.requests.resources.length > 0) this.leaks = new LeakWatch((...leaked) => this.mend(...leaked));
  }

  get closed(): boolean {
    return this.region === undefined;
  }

  close(): void {
    this.region = undefined;
  }

  settle(what: number, takenAt: number): void {
    // What a closed set held is gone with it.
    if (!this.region || (what & (GIVES_BACK | CHARGES)) === 0) return;
    const now = (what & CHARGES) === 0 ? 0 : this.clock.now();
    this.region.transact(SETTLE, this.requests.due, now, takenAt);
    if (this.queue.size > 0) this.queue.serve();
  }

  acquireNested(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
    takenAt: number,
  ): Promise<Acquisition<K>> {
    return this.nested(requested, options, covered, takenAt);
  }

  /** Gives back the resources of a grant that is lost. Its rates are charged in full: nobody knows what was used. */
  private mend(units: readonly number[], takenAt: number): void {
    if (this.closed || !this.requests.resources.some((resource) => units[resource]! > 0)) return;
    this.settle(this.requests.settlement(units, undefined), takenAt);
    this.onWarning(new UnreleasedAcquisitionWarning(this.requests.amounts(units)));
  }
}
