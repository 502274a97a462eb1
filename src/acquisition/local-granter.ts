/** Settles the grants of a set in this isolate. */
import type { Region } from "../core/region.ts";
import type { LimitError } from "../errors.ts";
import { CHARGES, GIVES_BACK, MISSES, type Requests } from "../limits/requests.ts";
import type { Clock } from "../platform/clock.ts";
import type { Granter } from "./acquisition.ts";
import { type LeakWatch, watchLeaks } from "./leaks.ts";

/** What settling needs of a set. */
export interface LocalSet<K extends string> {
  readonly requests: Requests<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly clock: Clock;
  /** The waiters that a release may let go. */
  readonly queue: { readonly size: number; serve(): void };
  readonly region: Region;
  readonly onWarning: (warning: LimitError) => void;
  readonly acquireNested: Granter<K>["acquireNested"];
}

export class LocalGranter<K extends string> implements Granter<K> {
  readonly requests: Requests<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaks: LeakWatch | undefined;
  readonly acquireNested: Granter<K>["acquireNested"];
  private readonly clock: Clock;
  private readonly queue: LocalSet<K>["queue"];
  private readonly due: number[];
  private region: Region | undefined;

  constructor(set: LocalSet<K>) {
    this.requests = set.requests;
    this.config = set.config;
    this.missingUpdate = set.missingUpdate;
    this.clock = set.clock;
    this.queue = set.queue;
    this.region = set.region;
    this.acquireNested = set.acquireNested;
    this.due = set.requests.keys.map(() => 0);
    // Only resources are lost with an acquisition, and watching costs as much as a take.
    if (set.requests.resources.length > 0) this.leaks = watchLeaks(this, set.onWarning);
  }

  get closed(): boolean {
    return this.region === undefined;
  }

  close(): void {
    this.region = undefined;
  }

  settle(token: number, taken: readonly number[], used: readonly number[] | undefined): boolean {
    const due = this.due;
    const what = this.requests.settlement(taken, used, due);
    // A closed set has given back everything already.
    if (this.region !== undefined && (what & (GIVES_BACK | CHARGES)) !== 0) {
      const now = (what & CHARGES) === 0 ? 0 : this.clock.now();
      this.region.settle(due, now, token);
      if (this.queue.size > 0) this.queue.serve();
    }
    return (what & MISSES) !== 0;
  }
}
